# spoa-cache. `make help` lists the targets.
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
BUILD   ?= build
PYTHON  ?= /usr/bin/python3
SECONDS ?= 60
JOBS    ?= $(shell nproc)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)

PACKAGES := hiredis inih libmicrohttpd libxxhash libpcre2-8 libutf8proc libzstd libcrypto
# TLS to Redis, which hiredis has from 1.0 on.
ifeq ($(shell pkg-config --exists hiredis_ssl libssl && echo yes),yes)
PACKAGES += hiredis_ssl libssl
CPPFLAGS += -DREDIS_TLS
endif
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wvla -Werror
CPPFLAGS += -Iagent -D_GNU_SOURCE
STANDARD := -std=c11 $(WARNINGS) $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LIBS     := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lev
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

CORE   := $(wildcard agent/core/*.c)
AGENT  := $(filter-out agent/main.c,$(wildcard agent/*.c agent/net/*.c agent/store/*.c)) $(CORE)
UNIT   := $(wildcard tests/unit/*.c)
FUZZ   := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY := $(addprefix $(BUILD)/replay-,$(FUZZ))
BENCH  := $(patsubst tests/bench/%.c,$(BUILD)/%,$(wildcard tests/bench/*.c))

.PHONY: all help setup test unit system replay layers bench demo matrix fuzz tidy man deb fresh image install uninstall clean
all: $(BUILD)/spoa-cache ## build the agent (BUILD=DIR to build elsewhere)

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

setup: ## install the Debian packages that are missing
	@scripts/setup

# The agent, and the same with sanitizers.
objects = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

$(BUILD)/spoa-cache: $(call objects,release,agent/main.c $(AGENT))
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/spoa-cache-sanitized: $(call objects,sanitized,agent/main.c $(AGENT))
	$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LIBS)

# What tests/unit/hooks.c stands in for.
comma := ,
HOOKS := redis_ask redis_listen redis_is_fresh redis_get_ttl clock_gettime ev_now ev_timer_start

$(BUILD)/unit: $(call objects,sanitized,$(UNIT) $(AGENT))
	$(CC) $(SANITIZE) $(HOOKS:%=-Wl$(comma)--wrap=%) $(LDFLAGS) -o $@ $^ $(LIBS) $(shell pkg-config --libs check jansson)

$(BUILD)/%/agent/main.o: CPPFLAGS += -DVERSION='"$(VERSION)"'

$(BUILD)/release/agent/page.o $(BUILD)/sanitized/agent/page.o: agent/status.html

$(BUILD)/release/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STANDARD) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/sanitized/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STANDARD) $(CPPFLAGS) $(SANITIZE) -MMD -MP -c -o $@ $<

# A fuzz target twice: a plain main that replays the corpus, and libFuzzer's.
$(BUILD)/replay-%: $(BUILD)/sanitized/tests/fuzz/fuzz_%.o $(BUILD)/sanitized/tests/fuzz/replay.o \
                   $(call objects,sanitized,$(CORE))
	$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LIBS) $(shell pkg-config --libs jansson)

$(BUILD)/fuzz-%: tests/fuzz/fuzz_%.c $(CORE)
	@mkdir -p $(@D)
	clang $(STANDARD) $(CPPFLAGS) $(SANITIZE) -fsanitize=fuzzer -o $@ $^ $(LIBS) \
	    $(shell pkg-config --libs jansson)

$(BUILD)/tier: $(call objects,release,tests/bench/tier.c agent/store/memory.c)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lm

$(BUILD)/key_speed $(BUILD)/key_worst: $(BUILD)/%: $(BUILD)/release/tests/bench/%.o \
                                       $(call objects,release,$(CORE))
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(shell pkg-config --libs jansson)

$(BUILD)/values: $(call objects,release,tests/bench/values.c $(CORE))
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(STANDARD) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(LIBS)

test: setup ## everything: layers, unit tests, fuzz corpora, system tests (installs what is missing)
	@$(MAKE) --no-print-directory -j$(JOBS) all $(BUILD)/spoa-cache-sanitized $(BUILD)/unit $(REPLAY)
	@$(MAKE) --no-print-directory layers replay unit system

layers: $(call objects,release,$(CORE)) ## no file includes from a floor above its own; the core does no I/O
	@scripts/layers $^

unit: $(BUILD)/unit ## unit tests under ASan and UBSan
	$(BUILD)/unit --list | xargs -n 1 -P $(JOBS) $(BUILD)/unit

replay: $(REPLAY) ## every fuzz target over its corpus
	@for t in $(FUZZ); do $(BUILD)/replay-$$t tests/fuzz/corpus/$$t || exit 1; done

system: all $(BUILD)/spoa-cache-sanitized ## system tests with real HAProxy and Redis
	$(PYTHON) -m pytest -q tests/system

fuzz: ## every fuzz target for SECONDS each (60)
	@scripts/setup fuzz
	@$(MAKE) --no-print-directory $(addprefix $(BUILD)/fuzz-,$(FUZZ))
	@for t in $(FUZZ); do scripts/fuzz $(BUILD)/fuzz-$$t $(SECONDS) || exit 1; done

matrix: all ## the system tests on HAProxy 3.0, 3.2, 3.4, Valkey and hiredis 1.2 as well
	@scripts/matrix

bench: all $(BENCH) ## measure, as ratios against things run beside it
	@scripts/bench --build $(BUILD)

demo: ## set up, build, start a stack, show MISS then HIT (KEEP=1 leaves it up)
	@scripts/demo

tidy: ## clang-tidy and clang-format over the C code
	clang-format --dry-run -Werror $(shell git ls-files '*.c' '*.h')
	clang-tidy --quiet $(AGENT) agent/main.c -- -std=c11 $(CPPFLAGS) -DVERSION='""' \
	    $(shell pkg-config --cflags hiredis) 2>/dev/null

man: $(BUILD)/man/spoa-cache.1 ## the manual pages, from what the agent says of itself

$(BUILD)/man/spoa-cache.1: $(BUILD)/spoa-cache scripts/man
	scripts/man $< $(@D)

deb: ## a Debian package, in BUILD; lintian looks at it
	@scripts/deb $(BUILD)

fresh: all ## the package in a fresh Debian 12, with systemd, to a HIT (minutes)
	@scripts/fresh

image: ## the container image of agent/Dockerfile, built and run to a HIT (minutes)
	@scripts/image

SHARE = $(DESTDIR)$(PREFIX)/share
UNITS = $(wildcard agent/systemd/*.service agent/systemd/*.socket)

install: all man ## into DESTDIR and PREFIX
	install -Dm755 -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/spoa-cache
	install -Dm644 -t $(SHARE)/man/man1 $(BUILD)/man/spoa-cache.1
	install -Dm644 -t $(SHARE)/man/man5 $(BUILD)/man/spoa-cache.conf.5
	install -Dm644 agent/completion.bash $(SHARE)/bash-completion/completions/spoa-cache
	install -Dm644 -t $(SHARE)/spoa-cache spoe/cache.conf agent/systemd/spoa-cache.conf \
	    $(wildcard haproxy/*.cfg)
	install -Dm644 -t $(SHARE)/spoa-cache/monitoring $(wildcard haproxy/monitoring/*)
	install -Dm644 -t $(DESTDIR)$(UNITDIR) $(UNITS)
	sed -i 's|/usr/bin/spoa-cache|$(PREFIX)/bin/spoa-cache|' $(DESTDIR)$(UNITDIR)/spoa-cache.service
	install -Dm644 agent/systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/spoa-cache.conf

uninstall: ## what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/spoa-cache $(DESTDIR)$(PREFIX)/lib/sysusers.d/spoa-cache.conf
	rm -f $(SHARE)/man/man1/spoa-cache.1 $(SHARE)/man/man5/spoa-cache.conf.5
	rm -f $(SHARE)/bash-completion/completions/spoa-cache
	rm -f $(patsubst agent/systemd/%,$(DESTDIR)$(UNITDIR)/%,$(UNITS))
	rm -rf $(SHARE)/spoa-cache

clean: ## what was built
	rm -rf $(BUILD)

.SECONDARY:
-include $(shell find $(BUILD) -path $(BUILD)/deb -prune -o -name '*.d' -type f -print 2>/dev/null)
