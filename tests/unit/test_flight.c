/* Requests that wait for one answer, over a store and leases that answer when they are told to. And
 * the leases of the agent's own memory. */
#include "flight.h"

#include "unit.h"

#include <stdio.h>

enum { WAITERS = 8, MOST = 5 };

#define KEY "sc:llm:00ff00ff00ff00ff:00112233445566778899aabbccddeeff"
#define OTHER "sc:llm:00ff00ff00ff00ff:ffffffffffffffffffffffffffffffff"

static struct ev_loop *loop;
static struct metrics metrics;
static struct flights *flights;

/* What was asked of the store and the leases last, and waits; and all of it, a letter each. */
static struct store_read *asked;
static char steps[64];
static size_t step_count;
static bool released, released_refused;

static struct ending {
    struct waiter waiter; /* first: `done` casts back */
    int calls;
    enum flight_end end;
    char value[16];
} endings[WAITERS];

static void ask(struct store_read *read, char step)
{
    ck_assert_ptr_null(asked); /* a flight asks one thing at a time */
    asked = read;
    read->pending = read;
    steps[step_count++] = step;
    steps[step_count] = '\0';
}

static void fake_get(struct store *s, struct str key, int64_t now, struct store_read *read)
{
    (void)s, (void)key, (void)now;
    ask(read, 'g');
}

static void fake_take(struct leases *l, struct str key, int64_t now, int64_t ms,
                      struct store_read *read)
{
    (void)l, (void)key, (void)now, (void)ms;
    ask(read, 't');
}

static void fake_peek(struct leases *l, struct str key, int64_t now, struct store_read *read)
{
    (void)l, (void)key, (void)now;
    ask(read, 'p');
}

static void fake_release(struct leases *l, struct str key, int64_t now, bool refused)
{
    (void)l, (void)key, (void)now;
    released = true;
    released_refused = refused;
}

static void fake_cancel(struct leases *l, struct store_read *read)
{
    (void)l;
    if (asked == read)
        asked = NULL;
}

static void fake_store_cancel(struct store *s, struct store_read *read)
{
    (void)s;
    if (asked == read)
        asked = NULL;
}

static const struct store_ops store_ops = {.get = fake_get, .cancel = fake_store_cancel};
static const struct lease_ops lease_ops = {
    .take = fake_take, .peek = fake_peek, .release = fake_release, .cancel = fake_cancel};
static struct store fake_store = {.ops = &store_ops};
static struct leases fake_leases = {.ops = &lease_ops};

static void answer(enum store_result result, const char *value)
{
    struct store_read *read = asked;

    ck_assert_ptr_nonnull(read);
    asked = NULL;
    read->pending = NULL;
    read->done(read, result, str_of(value));
}

/* What a look at the lease and the key gives. */
static void answer_look(const char *lease, enum store_result found, const char *value)
{
    answer(lease ? STORE_HIT : STORE_MISS, lease ? lease : "");
    answer(found, value);
}

static void turn(void)
{
    ev_run(loop, EVRUN_NOWAIT);
}

/* What changed is looked at in the next turn, not before. */
static void notice(const char *key)
{
    flights_notice(flights, str_of(key));
    ck_assert_ptr_null(asked);
    turn();
}

static void on_done(struct waiter *w, enum flight_end end, struct str value)
{
    struct ending *e = (struct ending *)w;

    e->calls++;
    e->end = end;
    size_t len = value.len < sizeof e->value ? value.len : sizeof e->value - 1;
    memcpy(e->value, value.ptr, len);
    e->value[len] = '\0';
}

static struct flight_options options_for(const char *key)
{
    return (struct flight_options){
        .key = str_of(key), .wait = 60000, .lease = 60000, .max = MOST, .max_all = MOST + 1};
}

/* Waits; the lookup has seen `value`, and had no use for it. */
static void wait_after(size_t n, const struct flight_options *options, const char *value)
{
    uint64_t seen = value ? flight_hash(str_of(value)) : 0;

    endings[n] = (struct ending){.waiter = {.done = on_done, .seen = seen}};
    flights_wait(flights, options, &endings[n].waiter);
}

static void wait_with(size_t n, const struct flight_options *options)
{
    wait_after(n, options, NULL);
}

static void wait_for(size_t n, const char *key)
{
    struct flight_options options = options_for(key);

    wait_with(n, &options);
}

static void all_ended(size_t from, size_t to, enum flight_end end)
{
    for (size_t n = from; n < to; n++) {
        ck_assert_int_eq(endings[n].calls, 1);
        ck_assert_int_eq(endings[n].end, end);
    }
}

static void none_ended(size_t from, size_t to)
{
    for (size_t n = from; n < to; n++)
        ck_assert_int_eq(endings[n].calls, 0);
}

static void open_flights(void)
{
    loop = ev_loop_new(0);
    metrics = (struct metrics){0};
    asked = NULL;
    step_count = 0;
    released = false;
    flights = flights_new(loop, &fake_store, &fake_leases, &metrics);
}

static void close_flights(void)
{
    flights_free(flights);
    ck_assert_ptr_null(asked);
    ck_assert_uint_eq(metrics.waiting, 0);
    ev_loop_destroy(loop);
}

START_TEST(decisions)
{
    static const struct {
        enum store_result peeked;
        enum lease_state lease;
        enum store_result found;
        enum flight_move move;
    } cases[] = {
        {STORE_HIT, LEASE_TAKEN, STORE_HIT, FLIGHT_LAND},
        {STORE_MISS, LEASE_FREE, STORE_HIT, FLIGHT_LAND},
        {STORE_HIT, LEASE_REFUSED, STORE_HIT, FLIGHT_LAND},
        {STORE_SLOW, LEASE_FREE, STORE_HIT, FLIGHT_LAND},
        {STORE_HIT, LEASE_TAKEN, STORE_MISS, FLIGHT_STAY},
        {STORE_HIT, LEASE_REFUSED, STORE_MISS, FLIGHT_REFUSE},
        {STORE_MISS, LEASE_FREE, STORE_MISS, FLIGHT_TAKE},
        {STORE_SLOW, LEASE_FREE, STORE_MISS, FLIGHT_GIVE_UP},
        {STORE_DOWN, LEASE_FREE, STORE_MISS, FLIGHT_GIVE_UP},
        {STORE_HIT, LEASE_TAKEN, STORE_SLOW, FLIGHT_GIVE_UP},
        {STORE_HIT, LEASE_TAKEN, STORE_DOWN, FLIGHT_GIVE_UP},
        {STORE_HIT, LEASE_TAKEN, STORE_BUSY, FLIGHT_GIVE_UP},
        {STORE_HIT, LEASE_TAKEN, STORE_ERROR, FLIGHT_GIVE_UP},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(flight_decide(cases[i].peeked, cases[i].lease, cases[i].found),
                         cases[i].move);
}
END_TEST

START_TEST(all_get_what_lands)
{
    for (size_t n = 0; n < 3; n++)
        wait_for(n, KEY);
    ck_assert_uint_eq(metrics.waiting, 3);
    answer_look(LEASE_TAKEN_TEXT, STORE_MISS, "");
    none_ended(0, 3);
    ck_assert_ptr_null(asked); /* and nothing is asked until something happens */
    notice(OTHER);
    ck_assert_ptr_null(asked);
    notice(KEY);
    answer_look(NULL, STORE_HIT, "landed");
    all_ended(0, 3, FLIGHT_LANDED);
    ck_assert_str_eq(endings[2].value, "landed");
    ck_assert_str_eq(steps, "pgpg");
}
END_TEST

/* What was there before, purged for example, is not what they wait for. */
START_TEST(what_was_seen_does_not_land)
{
    struct flight_options options = options_for(KEY);

    wait_after(0, &options, "purged");
    wait_after(1, &options, "purged");
    answer_look(LEASE_TAKEN_TEXT, STORE_HIT, "purged");
    none_ended(0, 2);
    wait_for(2, KEY);
    notice(KEY);
    answer_look(LEASE_TAKEN_TEXT, STORE_HIT, "purged");
    all_ended(2, 3, FLIGHT_LANDED);
    none_ended(0, 2);
    turn();
    answer_look(NULL, STORE_HIT, "purged");
    answer(STORE_HIT, ""); /* the lease is free, and one takes it */
    all_ended(1, 2, FLIGHT_LED);
    notice(KEY);
    answer_look(NULL, STORE_HIT, "fresh");
    all_ended(0, 1, FLIGHT_LANDED);
    ck_assert_str_eq(endings[0].value, "fresh");
}
END_TEST

START_TEST(what_was_seen_and_then_refused)
{
    struct flight_options options = options_for(KEY);

    wait_after(0, &options, "expired");
    answer_look(LEASE_REFUSED_TEXT, STORE_HIT, "expired");
    all_ended(0, 1, FLIGHT_REFUSED);
}
END_TEST

/* Large answers are given out over several turns of the loop, each after a look of its own. */
START_TEST(large_answers_land_in_turns)
{
    static char large[400 << 10];
    struct store_read *read;

    for (size_t n = 0; n < MOST; n++)
        wait_for(n, KEY);
    for (size_t n = 0; n < MOST; n += 2) {
        answer(STORE_MISS, "");
        read = asked;
        asked = NULL;
        read->done(read, STORE_HIT, (struct str){large, sizeof large});
        all_ended(0, n + 2 < MOST ? n + 2 : MOST, FLIGHT_LANDED);
        none_ended(n + 2, MOST);
        ck_assert_ptr_null(asked);
        turn();
    }
    ck_assert_ptr_null(asked);
}
END_TEST

/* The lease first: when it is gone, what it was for is there or never will be. */
START_TEST(it_landed_before_the_wait)
{
    wait_for(0, KEY);
    ck_assert_str_eq(steps, "p");
    answer_look(NULL, STORE_HIT, "early");
    all_ended(0, 1, FLIGHT_LANDED);
}
END_TEST

START_TEST(all_go_when_it_was_refused)
{
    wait_for(0, KEY);
    answer_look(LEASE_TAKEN_TEXT, STORE_MISS, "");
    wait_for(1, KEY);
    notice(KEY);
    answer_look(LEASE_REFUSED_TEXT, STORE_MISS, "");
    all_ended(0, 2, FLIGHT_REFUSED);
}
END_TEST

START_TEST(one_leads_when_the_lease_has_ended)
{
    struct flight_options options = options_for(KEY);

    options.lease = 5;
    for (size_t n = 0; n < 3; n++)
        wait_with(n, &options);
    answer_look(LEASE_TAKEN_TEXT, STORE_MISS, "");
    ev_run(loop, EVRUN_ONCE);
    answer_look(NULL, STORE_MISS, "");
    answer(STORE_HIT, "");
    all_ended(2, 3, FLIGHT_LED); /* the client of who came last is the likeliest to be there */
    none_ended(0, 2);
    ck_assert_uint_eq(metrics.leases_ended, 1);
    notice(KEY);
    answer_look(LEASE_TAKEN_TEXT, STORE_HIT, "at last");
    all_ended(0, 2, FLIGHT_LANDED);
    ck_assert_str_eq(steps, "pgpgtpg");
}
END_TEST

START_TEST(another_agent_leads)
{
    wait_for(0, KEY);
    answer_look(NULL, STORE_MISS, "");
    answer(STORE_MISS, "");
    none_ended(0, 1);
    ck_assert_uint_eq(metrics.leases_ended, 0);
    ck_assert_ptr_null(asked);
}
END_TEST

START_TEST(an_ill_store_holds_nobody)
{
    static const struct {
        enum store_result peek, get, take;
    } cases[] = {
        {STORE_DOWN, STORE_DOWN, STORE_DOWN},  {STORE_HIT, STORE_SLOW, STORE_DOWN},
        {STORE_SLOW, STORE_MISS, STORE_DOWN},  {STORE_MISS, STORE_MISS, STORE_SLOW},
        {STORE_MISS, STORE_MISS, STORE_ERROR},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wait_for(0, KEY);
        wait_for(1, KEY);
        answer(cases[i].peek, "");
        answer(cases[i].get, "");
        if (asked)
            answer(cases[i].take, "");
        /* a lease that may have been taken after all has somebody who gives it back */
        bool leads = cases[i].take == STORE_SLOW;
        all_ended(0, 2 - leads, FLIGHT_ENDED);
        all_ended(2 - leads, 2, FLIGHT_LED);
    }
}
END_TEST

START_TEST(what_happens_during_a_look_is_looked_at)
{
    wait_for(0, KEY);
    answer(STORE_HIT, LEASE_TAKEN_TEXT);
    flights_notice(flights, str_of(KEY));
    flights_notice(flights, str_of(KEY));
    answer(STORE_MISS, "");
    turn();
    answer_look(NULL, STORE_HIT, "v");
    all_ended(0, 1, FLIGHT_LANDED);
    ck_assert_str_eq(steps, "pgpg");
}
END_TEST

START_TEST(a_wait_has_an_end)
{
    struct flight_options options = options_for(KEY);

    options.wait = 5;
    wait_with(0, &options);
    options.wait = 60000;
    wait_with(1, &options);
    answer_look(LEASE_TAKEN_TEXT, STORE_MISS, "");
    ev_run(loop, EVRUN_ONCE);
    all_ended(0, 1, FLIGHT_OVER);
    none_ended(1, 2);
    ck_assert_uint_eq(metrics.waiting, 1);
}
END_TEST

/* The answer of the store finds nobody, and a lease that nobody wants is given back. */
START_TEST(a_wait_ends_during_a_look)
{
    struct flight_options options = options_for(KEY);

    options.wait = 5;
    wait_with(0, &options);
    answer_look(NULL, STORE_MISS, "");
    ev_run(loop, EVRUN_ONCE);
    all_ended(0, 1, FLIGHT_OVER);
    answer(STORE_HIT, "");
    ck_assert(released && !released_refused);
    notice(KEY);
    ck_assert_ptr_null(asked);
}
END_TEST

START_TEST(who_comes_as_all_have_gone)
{
    struct flight_options options = options_for(KEY);

    options.wait = 5;
    wait_with(0, &options);
    answer(STORE_HIT, LEASE_TAKEN_TEXT);
    ev_run(loop, EVRUN_ONCE);
    wait_for(1, KEY); /* what was asked for the first one is too old for this one */
    answer(STORE_MISS, "");
    turn();
    answer_look(NULL, STORE_HIT, "v");
    all_ended(1, 2, FLIGHT_LANDED);
}
END_TEST

START_TEST(bounds)
{
    struct flight_options options = options_for(KEY), other = options_for(OTHER);

    for (size_t n = 0; n < MOST; n++) {
        ck_assert(flights_have_room(flights, &options));
        wait_for(n, KEY);
    }
    ck_assert(!flights_have_room(flights, &options));
    wait_for(MOST, KEY);
    all_ended(MOST, MOST + 1, FLIGHT_ENDED);
    ck_assert(flights_have_room(flights, &other));
    answer_look(LEASE_TAKEN_TEXT, STORE_MISS, "");
    wait_for(MOST + 1, OTHER);
    none_ended(MOST + 1, MOST + 2);
    ck_assert(!flights_have_room(flights, &other));
    none_ended(0, MOST);
}
END_TEST

/* A master died after its replica had the lease, and before it was given back. */
START_TEST(after_a_loss_no_lease_is_believed)
{
    struct flight_options options = options_for(KEY);

    flights_hear(flights, false); /* as at the start */
    flights_hear(flights, true);
    ck_assert(flights_have_room(flights, &options));
    flights_hear(flights, true);
    ck_assert(flights_have_room(flights, &options));
    flights_hear(flights, false);
    flights_hear(flights, true);
    ck_assert(!flights_have_room(flights, &options));
    wait_for(0, KEY);
    all_ended(0, 1, FLIGHT_ENDED);
    options.lease = 0; /* over */
    ck_assert(flights_have_room(flights, &options));
}
END_TEST

START_TEST(deaf_or_closed)
{
    struct flight_options options = options_for(KEY);

    wait_for(0, KEY);
    answer_look(LEASE_TAKEN_TEXT, STORE_MISS, "");
    flights_hear(flights, false);
    all_ended(0, 1, FLIGHT_ENDED);
    ck_assert(!flights_have_room(flights, &options));
    flights_hear(flights, true);
    wait_for(0, KEY); /* it is still looked for when everybody is sent on */
    wait_for(1, KEY);
    flights_close(flights);
    all_ended(0, 2, FLIGHT_ENDED);
    ck_assert(!flights_have_room(flights, &options));
    answer(STORE_HIT, LEASE_TAKEN_TEXT); /* and then nothing more is asked */
    ck_assert_ptr_null(asked);
    wait_for(2, KEY);
    all_ended(2, 3, FLIGHT_ENDED);
}
END_TEST

/* Leases in memory. */

static struct store_read probe;
static enum store_result probed;
static enum lease_state state;

static void on_probe(struct store_read *read, enum store_result result, struct str value)
{
    (void)read;
    probed = result;
    state = lease_state_of(result, value);
}

static enum store_result take(struct leases *leases, const char *key, int64_t now)
{
    probe = (struct store_read){.done = on_probe};
    leases->ops->take(leases, str_of(key), now, 100, &probe);
    return probed;
}

static enum lease_state peek(struct leases *leases, const char *key, int64_t now)
{
    probe = (struct store_read){.done = on_probe};
    leases->ops->peek(leases, str_of(key), now, &probe);
    return state;
}

START_TEST(memory_leases)
{
    struct leases *leases = leases_in_memory();

    ck_assert_int_eq(peek(leases, KEY, 1000), LEASE_FREE);
    ck_assert_int_eq(take(leases, KEY, 1000), STORE_HIT);
    ck_assert_int_eq(take(leases, KEY, 1099), STORE_MISS);
    ck_assert_int_eq(peek(leases, KEY, 1099), LEASE_TAKEN);
    ck_assert_int_eq(take(leases, OTHER, 1000), STORE_HIT);
    ck_assert_int_eq(take(leases, KEY, 1100), STORE_HIT);
    leases->ops->release(leases, str_of(KEY), 1150, false);
    ck_assert_int_eq(peek(leases, KEY, 1150), LEASE_FREE);
    ck_assert_int_eq(take(leases, KEY, 1150), STORE_HIT);
    leases->ops->release(leases, str_of(KEY), 1160, true);
    ck_assert_int_eq(peek(leases, KEY, 1160), LEASE_REFUSED);
    ck_assert_int_eq(take(leases, KEY, 1160), STORE_MISS);
    ck_assert_int_eq(take(leases, KEY, 1160 + LEASE_NOTE_MS), STORE_HIT);
    ck_assert_int_eq(peek(leases, KEY, 1160 + LEASE_NOTE_MS), LEASE_TAKEN);
    ck_assert_int_eq(peek(leases, KEY, 500), LEASE_FREE); /* the clock was set back */
    ck_assert_int_eq(take(leases, KEY, 500), STORE_HIT);
    ck_assert_int_eq(take(leases, KEY, 599), STORE_MISS);
    ck_assert_int_eq(take(leases, KEY, 600), STORE_HIT);
    leases->ops->release(leases, str_of("sc:llm:0:0"), 1160, true); /* of nobody */
    ck_assert_int_eq(peek(leases, "sc:llm:0:0", 1160), LEASE_FREE);
    leases->ops->free(leases);
}
END_TEST

/* More leases than places: some are not to be had, and none has two holders. */
START_TEST(many_memory_leases)
{
    struct leases *leases = leases_in_memory();
    char key[32];
    int taken = 0, busy = 0;

    for (int i = 0; i < 40000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        enum store_result result = take(leases, key, 1000);
        ck_assert(result == STORE_HIT || result == STORE_BUSY);
        result == STORE_HIT ? taken++ : busy++;
        ck_assert_int_ne(take(leases, key, 1001), STORE_HIT);
    }
    ck_assert_int_gt(taken, 10000);
    ck_assert_int_gt(busy, 10000);
    leases->ops->free(leases);
}
END_TEST

START_TEST(lease_states)
{
    ck_assert_int_eq(lease_state_of(STORE_HIT, STR("taken")), LEASE_TAKEN);
    ck_assert_int_eq(lease_state_of(STORE_HIT, STR("refused")), LEASE_REFUSED);
    ck_assert_int_eq(lease_state_of(STORE_HIT, STR("what a later version says")), LEASE_TAKEN);
    ck_assert_int_eq(lease_state_of(STORE_MISS, STR("")), LEASE_FREE);
}
END_TEST

START_TEST(lease_keys)
{
    static const struct {
        const char *key, *subject;
    } cases[] = {
        {"sc:lease:{" KEY "}", KEY},
        {"sc:lease:{" KEY, ""},
        {"sc:lease:{", ""},
        {"sc:lease:00ff:" KEY, ""},
        {KEY, ""},
        {"", ""},
        {"sc:lease:{}", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_is(lease_subject(unit_guard(str_of(cases[i].key))), cases[i].subject);
}
END_TEST

Suite *suite_flight(void)
{
    Suite *suite = suite_create("flight");
    TCase *cases = tcase_create("flight"), *leases = tcase_create("leases");

    tcase_add_checked_fixture(cases, open_flights, close_flights);
    tcase_add_test(cases, decisions);
    tcase_add_test(cases, all_get_what_lands);
    tcase_add_test(cases, what_was_seen_does_not_land);
    tcase_add_test(cases, what_was_seen_and_then_refused);
    tcase_add_test(cases, large_answers_land_in_turns);
    tcase_add_test(cases, it_landed_before_the_wait);
    tcase_add_test(cases, all_go_when_it_was_refused);
    tcase_add_test(cases, one_leads_when_the_lease_has_ended);
    tcase_add_test(cases, another_agent_leads);
    tcase_add_test(cases, an_ill_store_holds_nobody);
    tcase_add_test(cases, what_happens_during_a_look_is_looked_at);
    tcase_add_test(cases, a_wait_has_an_end);
    tcase_add_test(cases, a_wait_ends_during_a_look);
    tcase_add_test(cases, who_comes_as_all_have_gone);
    tcase_add_test(cases, bounds);
    tcase_add_test(cases, after_a_loss_no_lease_is_believed);
    tcase_add_test(cases, deaf_or_closed);
    tcase_add_checked_fixture(leases, NULL, unit_guard_release);
    tcase_add_test(leases, memory_leases);
    tcase_add_test(leases, many_memory_leases);
    tcase_add_test(leases, lease_states);
    tcase_add_test(leases, lease_keys);
    suite_add_tcase(suite, cases);
    suite_add_tcase(suite, leases);
    return suite;
}
