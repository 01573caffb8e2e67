"""Sentinel and Cluster, with real servers, while clients ask some 500 times per second through
HAProxy: masters that die, freeze, are demoted, slots that move. No client may see a failure or an
answer that is not its own; for how long hits were lost is printed."""
import time

import pytest

import harness
from harness import prompt, wait_for
from redis_parts import (MASTER, SENTINEL_PASSWORD, USER, USER_PASSWORD, Cluster, Replicated,
                         Watch)

CONFIG = f"""
[key]
secret = of the agents of this test
[redis]
connect-timeout = 500ms
user = {USER}
password = {USER_PASSWORD}
"""


@pytest.fixture(scope='module')
def replicated():
    with Replicated() as group:
        yield group


@pytest.fixture(scope='module')
def behind_sentinels(origin, replicated):
    """HAProxy before an agent that knows the Sentinels alone. The agent runs under ASan."""
    addresses = ' '.join(sentinel.address for sentinel in replicated.sentinels)
    config = CONFIG + f"""
sentinels = {addresses}
master = {MASTER}
sentinel-password = {SENTINEL_PASSWORD}
"""
    yield from stand(origin, config)


@pytest.fixture(scope='module')
def cluster():
    with Cluster() as group:
        yield group


@pytest.fixture(scope='module')
def behind_cluster(origin, cluster):
    """The same before an agent that knows two nodes of the cluster."""
    yield from stand(origin, CONFIG + f'cluster = {cluster.nodes[0].address} '
                                      f'{cluster.nodes[4].address}')


def stand(origin, config):
    with harness.Agent(config, harness.SANITIZED) as agent:
        with harness.HAProxy(origin, ['unix@' + agent.address.removeprefix('unix:')]) as haproxy:
            haproxy.agent = agent
            wait_for(lambda: harness.metrics(agent.status)['redis_up'] > 0, 'it is connected')
            yield haproxy


@pytest.fixture
def disturb(capsys):
    """Does something while clients ask, until that has had its effect and everything hits again."""
    def run(haproxy, what, disturbance, effect=lambda: True):
        with Watch(haproxy) as traffic:
            traffic.all_hit()
            began = time.monotonic()
            disturbance()
            wait_for(effect, f'{what} has its effect', 40)
            servers = time.monotonic() - began
            traffic.all_hit()
        with capsys.disabled():
            print('\n  ' + traffic.report(what, servers))
        assert traffic.failures == []
        assert traffic.slowest < 600
        assert traffic.lost() < servers + 5
    return run


def test_master_killed(replicated, behind_sentinels, disturb):
    master = replicated.master()
    disturb(behind_sentinels, 'master killed', master.kill,
            lambda: replicated.master() is not master)
    assert harness.metrics(behind_sentinels.agent.status)['redis_failovers_total'] >= 1
    master.start()
    replicated.wait_until_whole()


def test_master_frozen(replicated, behind_sentinels, disturb):
    master = replicated.master()
    try:
        disturb(behind_sentinels, 'master frozen', master.freeze,
                lambda: replicated.master() is not master)
    finally:
        master.thaw()
    replicated.wait_until_whole()


def test_master_demoted(replicated, behind_sentinels, disturb):
    master = replicated.master()
    disturb(behind_sentinels, 'master demoted',
            lambda: replicated.sentinels[1]('SENTINEL', 'FAILOVER', MASTER),
            lambda: replicated.master() is not master and master.is_replica())
    replicated.wait_until_whole()


def test_sentinels_killed_cost_nothing(replicated, behind_sentinels, disturb):
    def kill_two():
        for sentinel in replicated.sentinels[:2]:
            sentinel.process.kill()
            sentinel.process.wait()
    disturb(behind_sentinels, 'two Sentinels killed', kill_two)
    for sentinel in replicated.sentinels[:2]:
        sentinel.start()


def test_cluster_keys_are_spread(cluster, behind_cluster):
    before = {node.id: node('DBSIZE') for node in cluster.nodes[:3]}
    for _ in range(24):
        question = prompt()
        assert behind_cluster.post(question).cache == 'MISS'
        wait_for(lambda asked=question: behind_cluster.post(asked).cache == 'HIT', 'a hit', 5)
    assert all(node('DBSIZE') > before[node.id] for node in cluster.nodes[:3])
    assert harness.metrics(behind_cluster.agent.status)['redis_redirects_total'] == 0


def test_cluster_master_killed(cluster, behind_cluster, disturb):
    victim = cluster.masters()[0]
    heir = cluster.replica_of(victim)
    disturb(behind_cluster, 'cluster: master killed', victim.kill, heir.is_master)
    victim.start()
    cluster.wait_until_whole()


def test_cluster_master_frozen(cluster, behind_cluster, disturb):
    victim = cluster.masters()[1]
    heir = cluster.replica_of(victim)
    try:
        disturb(behind_cluster, 'cluster: master frozen', victim.freeze, heir.is_master)
    finally:
        victim.thaw()
    cluster.wait_until_whole()


def test_cluster_master_demoted(cluster, behind_cluster, disturb):
    victim = cluster.masters()[2]
    heir = cluster.replica_of(victim)
    disturb(behind_cluster, 'cluster: master demoted', lambda: heir('CLUSTER', 'FAILOVER'),
            heir.is_master)
    cluster.wait_until_whole()


def slots_in_use(node):
    """The slots of what the node holds."""
    return sorted({node('CLUSTER', 'KEYSLOT', key) for key in node('KEYS', 'sc:*')})


def test_cluster_slots_migrate(cluster, behind_cluster, disturb):
    """Slots in use move, and for a while a key is already there and its slot still here."""
    cluster.forget_entries()

    def move():
        source, target = cluster.masters()[:2]
        for slot in slots_in_use(source)[:3]:
            cluster.move_slot(slot, source, target, lambda: time.sleep(0.3))
    before = harness.metrics(behind_cluster.agent.status)
    disturb(behind_cluster, 'cluster: slots migrated', move)
    after = harness.metrics(behind_cluster.agent.status)
    for code in ('ASK', 'MOVED'):
        name = f'redis_errors_total{{code="{code}"}}'
        assert after[name] > before.get(name, 0)
    assert after['redis_redirects_total'] > before['redis_redirects_total']


def test_cluster_node_added(cluster, behind_cluster, disturb):
    cluster.forget_entries()

    def add():
        source, target = cluster.masters()[0], cluster.add_master()
        for slot in slots_in_use(source):
            cluster.move_slot(slot, source, target)
    disturb(behind_cluster, 'cluster: node added', add)
    assert cluster.nodes[-1]('DBSIZE') > 0
