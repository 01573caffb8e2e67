"""Redis as it runs in production: a master with replicas and Sentinels, a cluster."""
import itertools
import signal
import time

from harness import (REDIS_SERVER, Part, Redis, RedisError, RedisServer, Traffic, free_address,
                     wait_for)

PASSWORD, SENTINEL_PASSWORD = 'of-the-data', 'of-the-sentinels'
MASTER = 'mymaster'
USER, USER_PASSWORD = 'cache', 'of-the-cache'


# What the user needs besides for the memory in front of Redis.
TIER = ('+pttl', '+client|id', '+client|tracking', '+subscribe', '&__redis__:invalidate')


def user(*may):
    """Words of a configuration: the user that agents are, with no more rights than they need."""
    return ('--user', USER, 'on', f'>{USER_PASSWORD}', '~sc:*', '+get', '+set', '+del', '+eval',
            '+@hash', '+info', '+time', *may)


def port(address):
    return address.rsplit(':', 1)[1]


class Node(RedisServer):
    """A Redis with words for its command line, that dies and returns at its address."""

    password = None

    def __init__(self, *words):
        super().__init__()
        self.words = words
        self.address = free_address()

    def start(self):
        self.spawn([REDIS_SERVER, '--bind', '127.0.0.1', '--save', '', '--dir', self.dir,
                    '--port', port(self.address), '--repl-diskless-sync-delay', '0', *self.words])
        wait_for(self.answers, 'Redis answers')

    def __call__(self, *words):
        """What it answers to one command."""
        with Redis(self.address) as redis:
            if self.password:
                redis('AUTH', self.password)
            return redis(*words)

    def answers(self):
        try:
            return self('PING') == b'PONG'
        except (OSError, RedisError):
            return False

    def info(self, section):
        lines = self('INFO', section).decode().splitlines()
        return dict(line.split(':', 1) for line in lines if ':' in line)

    def calls(self, command):
        """How many times it was given the command, in small letters."""
        said = self.info('commandstats').get(f'cmdstat_{command}', 'calls=0,')
        return int(said.split('=')[1].split(',')[0])

    def replication(self):
        """What it says of that; nothing where it hung up, as it does on every client when a
        Sentinel demotes it."""
        try:
            return self.info('replication')
        except ConnectionError:
            return {}

    def is_replica(self):
        return self.replication().get('role') == 'slave'

    def is_master(self):
        return self.replication().get('role') == 'master'

    def is_replica_of(self, master):
        replication = self.replication()
        return (replication.get('role') == 'slave' and replication['master_link_status'] == 'up'
                and replication['master_port'] == port(master.address))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


class Sentinel(Part):
    name = 'sentinel'

    def __init__(self, master):
        super().__init__()
        self.address = free_address()
        (self.dir / 'sentinel.conf').write_text(f'''
bind 127.0.0.1
port {port(self.address)}
dir {self.dir}
requirepass {SENTINEL_PASSWORD}
sentinel sentinel-pass {SENTINEL_PASSWORD}
sentinel monitor {MASTER} 127.0.0.1 {port(master.address)} 2
sentinel auth-pass {MASTER} {PASSWORD}
sentinel down-after-milliseconds {MASTER} 500
sentinel failover-timeout {MASTER} 1000
''')

    def start(self):
        self.spawn([REDIS_SERVER, self.dir / 'sentinel.conf', '--sentinel'])
        wait_for(self.answers, 'Sentinel answers')
        # Not the ping-period: what INFO said of a replica is believed for five times that only.
        self('SENTINEL', 'DEBUG', 'info-period', 300, 'publish-period', 200, 'ask-period', 100)

    def __call__(self, *words):
        with Redis(self.address) as redis:
            redis('AUTH', SENTINEL_PASSWORD)
            return redis(*words)

    def answers(self):
        try:
            return self('PING') == b'PONG'
        except OSError:
            return False

    def sees(self):
        """How many replicas and other Sentinels it knows and can reach."""
        words = [self('SENTINEL', what, MASTER) for what in ('REPLICAS', 'SENTINELS')]
        return [sum(1 for row in rows if row[row.index(b'flags') + 1] in (b'slave', b'sentinel'))
                for rows in words]


class Group:
    """Several parts as one context."""

    def __init__(self):
        self.parts = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def add(self, part):
        self.parts.append(part.__enter__())
        return part

    def __exit__(self, *_):
        for part in reversed(self.parts):
            part.finish()


class Replicated(Group):
    """One master, two replicas and three Sentinels, both with passwords."""

    def start(self):
        words = ('--requirepass', PASSWORD, '--masterauth', PASSWORD, '--maxmemory', '100mb',
                 '--maxmemory-policy', 'allkeys-lru', *user('+role', *TIER))
        self.nodes = [Node(*words)]
        for _ in range(2):
            self.nodes.append(Node(*words, '--replicaof', '127.0.0.1', port(self.nodes[0].address)))
        for node in self.nodes:
            node.password = PASSWORD
            self.add(node)
        wait_for(lambda: all(node.is_replica_of(self.nodes[0]) for node in self.nodes[1:]),
                 'the replicas follow')
        self.sentinels = [self.add(Sentinel(self.nodes[0])) for _ in range(3)]
        self.wait_until_whole()

    def master(self):
        named = self.sentinels[0]('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER)[1].decode()
        return next(node for node in self.nodes if port(node.address) == named)

    def is_whole(self):
        master = self.master()
        return (all(node is master or node.is_replica_of(master) for node in self.nodes)
                and all(sentinel.sees() == [2, 2] for sentinel in self.sentinels))

    def wait_until_whole(self):
        wait_for(self.is_whole, 'everything follows the master', 30, 0.1)


class ClusterNode(Node):
    def __init__(self):
        bus = port(free_address())
        super().__init__('--cluster-enabled', 'yes', '--cluster-node-timeout', '1000',
                         '--cluster-allow-replica-migration', 'no',
                         '--cluster-port', bus, '--cluster-replica-validity-factor', '0',
                         '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru',
                         *user('+cluster|slots', '+asking', *TIER))
        self.bus = bus

    def start(self):
        super().start()
        self.id = self('CLUSTER', 'MYID').decode()

    def knows(self):
        """{id: words of its line of CLUSTER NODES}"""
        lines = self('CLUSTER', 'NODES').decode().splitlines()
        return {line.split()[0]: line.split() for line in lines}


class Cluster(Group):
    """Three masters with a replica each."""

    def start(self):
        self.nodes = [self.add(ClusterNode()) for _ in range(6)]
        bounds = [0, 5461, 10923, 16384]
        for n, node in enumerate(self.nodes):
            node('CLUSTER', 'SET-CONFIG-EPOCH', n + 1)
            if n < 3:
                node('CLUSTER', 'ADDSLOTSRANGE', bounds[n], bounds[n + 1] - 1)
        self.meet(*self.nodes[1:])
        for n, node in enumerate(self.nodes[3:]):
            node('CLUSTER', 'REPLICATE', self.nodes[n].id)
        self.wait_until_whole()

    def meet(self, *nodes):
        for node in nodes:
            self.nodes[0]('CLUSTER', 'MEET', '127.0.0.1', port(node.address), node.bus)
        wait_for(lambda: all(not any('handshake' in words[2] for words in node.knows().values())
                             and len(node.knows()) >= len(self.nodes) for node in self.nodes),
                 'the nodes know each other', 20, 0.1)

    def add_master(self):
        node = self.add(ClusterNode())
        self.nodes.append(node)
        self.meet(node)
        wait_for(lambda: b'cluster_state:ok' in node('CLUSTER', 'INFO'), 'it serves', 10)
        return node

    def is_whole(self):
        masters = [node for node in self.nodes if node.is_master()]
        followed = sum(int(node.replication()['connected_slaves']) for node in masters)
        return (all(node.replication().get('master_link_status', 'up') == 'up'
                    and b'cluster_state:ok' in node('CLUSTER', 'INFO')
                    and not any('fail' in words[2] for words in node.knows().values())
                    for node in self.nodes)
                and followed == len(self.nodes) - len(masters))

    def wait_until_whole(self):
        wait_for(self.is_whole, 'the cluster is whole', 30, 0.1)

    def masters(self):
        """Those with slots, which stand behind the eighth word."""
        return [node for node in self.nodes
                if node.is_master() and len(node.knows()[node.id]) > 8]

    def forget_entries(self):
        for node in self.masters():
            node('FLUSHALL')

    def replica_of(self, master):
        """One of them."""
        def known():
            ids = [words[0] for words in master.knows().values() if words[3] == master.id]
            return next((node for node in self.nodes if node.id in ids), None)
        return wait_for(known, 'a replica is known', 10)

    def move_slot(self, slot, source, target, during=lambda: None):
        """Moves a slot key by key, as redis-cli does; calls `during` with half of it moved."""
        target('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id)
        source('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id)
        during()
        while keys := source('CLUSTER', 'GETKEYSINSLOT', slot, 10):
            source('MIGRATE', '127.0.0.1', port(target.address), '', 0, 5000, 'KEYS', *keys)
        during()
        for node in [target, source, *(node for node in self.nodes if node.is_master())]:
            node('CLUSTER', 'SETSLOT', slot, 'NODE', target.id)


class Watch(Traffic):
    """Traffic of some 500 requests per second that knows when each question of each client hit."""

    def __init__(self, stack, clients=6, questions=6, pause=0.006):
        super().__init__(stack, clients, questions, pause)
        self.hits = {(f'tenant {n}', body): [] for n in range(clients) for body in self.bodies}
        self.began = time.monotonic()

    def ask(self, body, tenant):
        answer = super().ask(body, tenant)
        if answer and answer.cache == 'HIT':
            self.hits[tenant['X-Tenant-Id'], body].append(time.monotonic())
        return answer

    def all_hit(self):
        """Waits until every question hit, from now on."""
        now = time.monotonic()
        wait_for(lambda: all(times and times[-1] > now for times in self.hits.values()),
                 'every question hits', 30)

    def lost(self):
        """The longest time in seconds that a question was without a hit."""
        return max(later - earlier for times in self.hits.values()
                   for earlier, later in itertools.pairwise(times))

    def report(self, what, servers):
        """`servers` are the seconds that those took until the new order stood."""
        seconds = time.monotonic() - self.began
        return (f'{what}: {len(self.done)} answers at {len(self.done) / seconds:.0f}/s, '
                f'{len(self.failures)} failures, hits lost for {self.lost() * 1000:.0f} ms '
                f'(the servers took {servers * 1000:.0f}), '
                f'the slowest answer took {self.slowest:.0f} ms')
