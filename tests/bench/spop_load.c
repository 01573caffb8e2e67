/* Measures an agent alone: CONNECTIONS connections, each with DEPTH lookups in flight, from one
 * thread, as a HAProxy 2.6 would send them. Before that it stores what the lookups ask for, so
 * that every measured ACK is a hit; one that is not makes the run fail.
 *
 * Prints one line: acks_per_second N p50_us N p99_us N max_us N acks N non_hits N
 * where the last two count the warm-up too. */
#include "histogram.h"
#include "messages.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>

enum {
    INPUT = 1 << 20,
    EVENTS = 64,
    STORE_TRIES = 500,
};

/* An agent silent for so long is an error; in nanoseconds. */
static const uint64_t PATIENCE = 5000 * 1000000ULL;
static const uint64_t TURN = 100 * 1000000ULL;     /* a longer one was a pause of this program */
static const uint64_t WARM_UP = 200 * 1000 * 1000; /* nanoseconds, not measured */

static struct {
    const char *connect;
    size_t connections, depth, entries, requests, request_body, response_body;
    double seconds;
} options = {
    .connections = 1,
    .depth = 20,
    .entries = 16,
    .request_body = 0,
    .response_body = 256,
    .seconds = 2,
};

struct conn {
    int fd;
    bool wants_out; /* EPOLLOUT is asked for */
    struct bytes output;
    size_t written; /* of output */
    size_t len;     /* input: 0 .. len is read and not used */
    uint8_t *input;
    uint64_t queued_at[MAX_DEPTH];
};

struct ack {
    uint64_t stream;
    bool hit, stored;
    struct reader ticket;
};

static struct request *lookups; /* options.entries of them */
static struct conn *conns;
static struct histogram latencies;
static uint64_t acks, non_hits; /* with the warm-up */
static int epoll;

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* Answers */

static void note_variable(struct ack *ack, struct reader name, struct value value)
{
    if (text_is(name, "hit"))
        ack->hit = value.type == VALUE_TRUE;
    else if (text_is(name, "stored"))
        ack->stored = value.type == VALUE_TRUE;
    else if (text_is(name, "ticket"))
        ack->ticket = value.text;
}

static struct ack read_ack(struct reader frame)
{
    struct ack ack = {0};
    uint8_t type = *take(&frame, 1);

    if (type != FRAME_ACK)
        die("frame type %u instead of an ACK", type);
    take(&frame, FRAME_FLAGS);
    ack.stream = take_varint(&frame);
    take_varint(&frame);
    while (frame.at < frame.end) {
        bool set = take(&frame, 3)[0] == ACTION_SET_VAR;
        struct reader name = take_text(&frame);

        if (set)
            note_variable(&ack, name, take_value(&frame));
    }
    return ack;
}

/* One at a time: HELLO and the entries, before the sockets stop blocking. */

static struct reader exchange(struct conn *c, struct bytes frame)
{
    struct pollfd wait = {.fd = c->fd, .events = POLLIN};
    struct reader input, answer;

    c->len = 0;
    if (send(c->fd, frame.ptr, frame.len, MSG_NOSIGNAL) != (ssize_t)frame.len)
        die("the agent closed the connection");
    do {
        ssize_t n = poll(&wait, 1, (int)(PATIENCE / 1000000)) == 1
                        ? recv(c->fd, c->input + c->len, INPUT - c->len, 0)
                        : 0;

        if (n <= 0)
            die("no answer from the agent");
        c->len += (size_t)n;
        input = (struct reader){c->input, c->input + c->len};
    } while (!take_frame(&input, &answer));
    c->len = 0;
    return answer;
}

static void store_entry(struct conn *c, const struct request *lookup)
{
    struct ack ack = read_ack(exchange(c, lookup->frame));
    struct request store;

    if (ack.hit)
        return;
    if (!ack.ticket.at)
        die("the lookup is no hit and has no ticket");
    store = make_store(ack.ticket, options.response_body);
    if (!read_ack(exchange(c, store.frame)).stored)
        die("the agent refused to store");
    free(store.frame.ptr);
    for (int i = 0; i < STORE_TRIES; i++) {
        if (read_ack(exchange(c, lookup->frame)).hit)
            return;
        poll(NULL, 0, 2); /* the write follows the ACK */
    }
    die("stored, and still no hit");
}

static void open_conn(struct conn *c)
{
    struct sockaddr_storage address;
    socklen_t length = parse_address(options.connect, &address);
    struct bytes hello = {0};

    c->fd = socket(address.ss_family, SOCK_STREAM, 0);
    c->input = malloc(INPUT);
    if (!c->input || connect(c->fd, (struct sockaddr *)&address, length) != 0)
        die("%s: %s", options.connect, strerror(errno));
    no_delay(c->fd);
    put_hello(&hello);
    if (exchange(c, hello).at[0] != FRAME_AGENT_HELLO)
        die("no AGENT-HELLO");
    free(hello.ptr);
}

static void prepare(void)
{
    lookups = calloc(options.entries, sizeof(*lookups));
    conns = calloc(options.connections, sizeof(*conns));
    if (!lookups || !conns)
        die("no memory");
    for (size_t i = 0; i < options.connections; i++)
        open_conn(&conns[i]);
    for (size_t i = 0; i < options.entries; i++) {
        lookups[i] = make_lookup(i, options.request_body);
        store_entry(&conns[0], &lookups[i]);
    }
}

/* Under load */

static void watch(struct conn *c, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (c->wants_out ? EPOLLOUT : 0), .data.ptr = c};

    if (epoll_ctl(epoll, operation, c->fd, &event) != 0)
        die("epoll: %s", strerror(errno));
}

static void queue(struct conn *c, size_t slot, uint64_t now)
{
    static size_t turn;
    const struct request *r = &lookups[turn++ % options.entries];
    size_t at = c->output.len + r->stream_at;
    uint8_t two[2];
    struct bytes stream = {.ptr = two, .cap = sizeof(two)};

    put_varint(&stream, FIRST_STREAM + slot);
    put(&c->output, r->frame.ptr, r->frame.len);
    memcpy(c->output.ptr + at, two, sizeof(two));
    c->queued_at[slot] = now;
}

static void flush(struct conn *c)
{
    ssize_t n = send(c->fd, c->output.ptr + c->written, c->output.len - c->written, MSG_NOSIGNAL);
    bool wants_out;

    if (n < 0 && errno != EAGAIN)
        die("the agent closed a connection: %s", strerror(errno));
    c->written += n > 0 ? (size_t)n : 0;
    wants_out = c->written < c->output.len;
    if (!wants_out)
        c->written = c->output.len = 0;
    if (wants_out != c->wants_out) {
        c->wants_out = wants_out;
        watch(c, EPOLL_CTL_MOD);
    }
}

static void take_ack(struct conn *c, struct ack ack, uint64_t now)
{
    size_t slot = ack.stream - FIRST_STREAM;

    if (slot >= options.depth)
        die("an ACK for stream %llu", (unsigned long long)ack.stream);
    histogram_add(&latencies, now - c->queued_at[slot]);
    acks++;
    non_hits += !ack.hit;
    queue(c, slot, now);
}

static void receive(struct conn *c)
{
    ssize_t n = recv(c->fd, c->input + c->len, INPUT - c->len, 0);
    struct reader input, frame;
    uint64_t now = now_ns();

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("the agent closed a connection");
    c->len += (size_t)n;
    input = (struct reader){c->input, c->input + c->len};
    while (take_frame(&input, &frame))
        take_ack(c, read_ack(frame), now);
    c->len = (size_t)(input.end - input.at);
    memmove(c->input, input.at, c->len);
}

/* The first line of a file about the agent, by the process that listens at the other end. */
static void print_state(const char *file)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    char path[64], line[512] = "";
    FILE *f;

    if (getsockopt(conns[0].fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid <= 0)
        return;
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)peer.pid, file);
    f = fopen(path, "r");
    if (f && fgets(line, sizeof(line), f))
        line[strcspn(line, "\n")] = '\0';
    fprintf(stderr, "%s: %s\n", path, line);
    if (f)
        fclose(f);
}

/* What is where, so that it shows which side stands still: the generator has bytes to write or to
 * read, or the agent has not read, or has read and not answered. */
static void print_silence(void)
{
    for (size_t i = 0; i < options.connections; i++) {
        struct conn *c = &conns[i];
        int unread = -1, unread_there = -1;

        ioctl(c->fd, SIOCINQ, &unread);
        ioctl(c->fd, SIOCOUTQ, &unread_there);
        fprintf(stderr,
                "connection %zu: %zu bytes to write%s, %d sent and unread, %d to read, "
                "%zu of a frame read\n",
                i, c->output.len - c->written, c->wants_out ? " when it can" : "", unread_there,
                unread, c->len);
    }
    print_state("stat");      /* proc(5): the state, and the ticks of CPU time, 14 and 15 */
    print_state("schedstat"); /* nanoseconds on a processor, and waiting for one */
    print_state("wchan");
}

/* Says what is to be seen, twice: what moves in between is alive. */
__attribute__((noreturn)) static void give_up(void)
{
    struct epoll_event ready;

    fprintf(stderr, "%s: no ACK for %llu ms, after %llu; %zu in flight on each connection\n",
            options.connect, (unsigned long long)PATIENCE / 1000000, (unsigned long long)acks,
            options.depth);
    print_silence();
    fprintf(stderr, "a second later: %s\n",
            epoll_wait(epoll, &ready, 1, 1000) > 0 ? "an event after all" : "no event");
    print_silence();
    exit(1);
}

/* It never sleeps: waking this thread would be measured as the agent's time. While the thread, or
 * the machine, stands still, the agent is not silent. */
static void turn(void)
{
    static uint64_t heard, before; /* when something last came; the turn before this */
    struct epoll_event ready[EVENTS];
    int n = epoll_wait(epoll, ready, EVENTS, 0);
    uint64_t now = now_ns();

    if (n > 0 || heard == 0)
        heard = now;
    else if (now - before > TURN)
        heard += now - before;
    else if (now - heard > PATIENCE)
        give_up();
    before = now;
    for (int i = 0; i < n; i++) {
        struct conn *c = ready[i].data.ptr;

        if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive(c);
        if (c->output.len)
            flush(c);
    }
}

static void start(void)
{
    uint64_t now = now_ns();

    epoll = epoll_create1(0);
    for (size_t i = 0; i < options.connections; i++) {
        struct conn *c = &conns[i];

        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        watch(c, EPOLL_CTL_ADD);
        for (size_t slot = 0; slot < options.depth; slot++)
            queue(c, slot, now);
        flush(c);
    }
}

/* Returns how many nanoseconds were measured. */
static uint64_t measure(void)
{
    uint64_t begin = now_ns(), end;

    while (!options.requests && now_ns() - begin < WARM_UP)
        turn();
    latencies = (struct histogram){0};
    begin = now_ns();
    end = begin + (uint64_t)(options.seconds * 1e9);
    while (options.requests ? latencies.total < options.requests : now_ns() < end)
        turn();
    return now_ns() - begin;
}

static void report(uint64_t elapsed)
{
    printf("acks_per_second %.0f p50_us %.1f p99_us %.1f max_us %.1f acks %llu non_hits %llu\n",
           (double)latencies.total * 1e9 / (double)elapsed,
           histogram_quantile(&latencies, 0.5) / 1e3, histogram_quantile(&latencies, 0.99) / 1e3,
           histogram_quantile(&latencies, 1) / 1e3, (unsigned long long)acks,
           (unsigned long long)non_hits);
}

static void usage(void)
{
    die("usage: spop_load --connect unix:PATH|ADDR:PORT [--connections N] [--depth N]\n"
        "                 [--entries N] [--seconds N | --requests N] [--request-body BYTES]\n"
        "                 [--response-body BYTES] [--cpu N]");
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"connections", required_argument, NULL, 0},  {"depth", required_argument, NULL, 1},
        {"entries", required_argument, NULL, 2},      {"requests", required_argument, NULL, 3},
        {"request-body", required_argument, NULL, 4}, {"response-body", required_argument, NULL, 5},
        {"connect", required_argument, NULL, 'c'},    {"seconds", required_argument, NULL, 's'},
        {"cpu", required_argument, NULL, 'p'},        {NULL, 0, NULL, 0},
    };
    size_t *const numbers[] = {
        &options.connections, &options.depth,        &options.entries,
        &options.requests,    &options.request_body, &options.response_body,
    };
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == '?')
            usage();
        else if (option == 'c')
            options.connect = optarg;
        else if (option == 's')
            options.seconds = strtod(optarg, NULL);
        else if (option == 'p')
            pin_to_cpu(optarg);
        else
            *numbers[option] = strtoul(optarg, NULL, 10);
    }
}

static bool options_valid(void)
{
    return options.connect && options.connections && options.depth && options.depth <= MAX_DEPTH &&
           options.entries && options.seconds > 0 &&
           (!options.request_body || options.request_body >= 200) && options.response_body >= 130;
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    if (optind != argc || !options_valid())
        usage();
    prepare();
    start();
    report(measure());
    return non_hits ? 1 : 0;
}
