# One non-recursive Makefile. Services are found by services/*/main.c; a new service or test needs no edit here
# (a service with an extra library adds one LDLIBS_<name> line). `make help` lists the targets.
V      ?= release
B      := out/$(V)
CC     ?= gcc
AR     ?= ar
Q      = $(if $(VERBOSE),,@printf '  %-6s %s\n' $(1) $(patsubst $(B)/%,%,$@);)
PREFIX ?= /usr/local
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

OPT_release := -O2 -g -D_FORTIFY_SOURCE=2
OPT_debug   := -O0 -g
OPT_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT         := $(or $(OPT_$(V)),-O2 -g)
HARDEN      := -fstack-protector-strong -fPIE -fno-plt
WARN        := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wno-unused-parameter $(if $(filter -fsanitize%,$(OPT)),-Wno-format-truncation)
CSTD        := -std=gnu11
CPPFLAGS    += -Icommon/include -I$(B)/gen -D_GNU_SOURCE -DYC_VERSION='"$(VERSION)"'
CFLAGS      += $(CSTD) $(OPT) $(HARDEN) $(WARN)
LDFLAGS     += $(filter -fsanitize%,$(OPT)) -pie -Wl,-z,relro,-z,now -Wl,--as-needed
LDLIBS      := -lzmq -lprotobuf-c -lsqlite3 -lpq -lhiredis -ljansson -lsodium -lcrypto -lpthread -lm -ldl
INC_PG      := $(shell pg_config --includedir 2>/dev/null)
CPPFLAGS    += $(if $(INC_PG),-isystem $(INC_PG))

SOFIA_C := $(shell pkg-config --cflags sofia-sip-ua 2>/dev/null | sed 's/-I/-isystem /g')
CPPFLAGS_gateway := $(SOFIA_C)
LDLIBS_gateway   := -lsofia-sip-ua -lspandsp -ltiff
LDLIBS_api       := -lmicrohttpd
LDLIBS_yc        := -lyaml
LDLIBS_TESTS     := $(LDLIBS_gateway) $(LDLIBS_api) $(LDLIBS_yc) -lcunit -lcurl

SERVICES := $(notdir $(patsubst %/,%,$(dir $(wildcard services/*/main.c))))
PROTOS   := $(wildcard proto/yc/v1/*.proto)
GEN_C    := $(PROTOS:proto/%.proto=$(B)/gen/%.pb-c.c)
GEN_H    := $(GEN_C:.c=.h)
obj       = $(patsubst %.c,$(B)/obj/%.o,$(1))
genobj    = $(patsubst $(B)/gen/%.c,$(B)/obj/gen/%.o,$(1))
bin       = $(B)/bin/$(if $(filter yc,$(1)),yc,yc-$(1))

.PHONY: all deps bins run test unit integration e2e soak bench fuzz lint capabilities install clean help tests-build share headers asan console openapi
.DEFAULT_GOAL := all
.SECONDARY:

all: bins share          ## build every service, the console and the demo data
bins: $(foreach s,$(SERVICES),$(call bin,$(s)))

# --- generated code: the only code compiled without warnings ---------------------------------------------------------------
$(B)/gen/%.pb-c.c: proto/%.proto
	@mkdir -p $(B)/gen
	$(call Q,PROTO)protoc-c -Iproto -I/usr/include --c_out=$(B)/gen $<
$(B)/gen/%.pb-c.h: $(B)/gen/%.pb-c.c ;
$(B)/obj/gen/%.o: $(B)/gen/%.c | $(GEN_C)
	@mkdir -p $(@D)
	$(call Q,CC)$(CC) $(CPPFLAGS) $(CSTD) $(OPT) $(HARDEN) -w -c -o $@ $<
$(B)/gen/embed_%.c: scripts/embed
	@mkdir -p $(@D)
	$(call Q,EMBED)scripts/embed $* > $@.tmp && mv $@.tmp $@

# --- our code -----------------------------------------------------------------------------------------------------------------
$(B)/obj/%.o: %.c | $(GEN_C)
	@mkdir -p $(@D)
	$(call Q,CC)$(CC) $(CPPFLAGS) $(if $(filter services/%,$<),-Iservices/$(word 2,$(subst /, ,$<)) $(CPPFLAGS_$(word 2,$(subst /, ,$<)))) $(if $(filter tests/%,$<),-Itests/support -Iservices -Iservices/gateway $(SOFIA_C)) $(CFLAGS) -MMD -MP -c -o $@ $<

COMMON_OBJ := $(call obj,$(wildcard common/src/*.c)) $(call genobj,$(GEN_C)) $(call genobj,$(B)/gen/embed_common.c)
$(B)/gen/embed_common.c: $(wildcard common/schema/*.sql)
$(B)/lib/libyc.a: $(COMMON_OBJ)
	@mkdir -p $(@D)
	$(call Q,AR)rm -f $@ && $(AR) rcsD $@ $^

define SERVICE
SRC_$(1) := $$(filter-out services/$(1)/main.c,$$(wildcard services/$(1)/*.c services/$(1)/*/*.c))
$(B)/gen/embed_$(1).c: $$(wildcard services/$(1)/schema/*.sql services/$(1)/lua/*.lua)
$(B)/lib/svc-$(1).a: $$(call obj,$$(SRC_$(1))) $$(call genobj,$(B)/gen/embed_$(1).c)
	@mkdir -p $$(@D)
	$$(call Q,AR)rm -f $$@ && $$(AR) rcsD $$@ $$^
$(call bin,$(1)): $$(call obj,services/$(1)/main.c) $(B)/lib/svc-$(1).a $(B)/lib/libyc.a
	@mkdir -p $$(@D)
	$$(call Q,LD)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS_$(1)) $$(LDLIBS)
endef
$(foreach s,$(SERVICES),$(eval $(call SERVICE,$(s))))

# --- tests --------------------------------------------------------------------------------------------------------------------
SVC_LIBS := $(SERVICES:%=$(B)/lib/svc-%.a)
$(B)/lib/libyct.a: $(call obj,$(wildcard tests/support/*.c))
	@mkdir -p $(@D)
	$(call Q,AR)rm -f $@ && $(AR) rcsD $@ $^
$(B)/tests/%: $(B)/obj/tests/%.o $(B)/lib/libyct.a $(SVC_LIBS) $(B)/lib/libyc.a
	@mkdir -p $(@D)
	$(call Q,LD)$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(B)/lib/libyct.a $(SVC_LIBS) $(B)/lib/libyc.a -Wl,--end-group $(LDLIBS_TESTS) $(LDLIBS)
UNIT        := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
INTEGRATION := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/integration/test_*.c))
BENCH       := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/bench/bench_*.c))
tests-build: $(UNIT) $(INTEGRATION)

unit: $(UNIT)                   ## pure tests, fast
	@scripts/run-tests $(B) unit $(UNIT)
integration: bins $(INTEGRATION)     ## one service with real engines, SQLite and PostgreSQL
	@scripts/run-tests $(B) integration $(INTEGRATION)
e2e: all                        ## the whole centre with real SIP peers
	@scripts/run-e2e $(B)
asan:                           ## unit and integration under ASan and UBSan
	@$(MAKE) --no-print-directory V=asan unit integration
test:                           ## everything that CI runs; closes with a line that counts
	@scripts/test-all
soak: all                       ## what is too long for CI: hundreds of kills, load, fuzzers
	@scripts/soak $(B)
bench: all $(BENCH) $(B)/tests/bench/peer_b2bua   ## figures, one JSON line each, in out/bench.jsonl
	@scripts/bench $(B)
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz:                           ## build and run the fuzz targets (FUZZ_SECONDS each, default 20)
	@scripts/fuzz $(FUZZ)
lint: headers                   ## layering, limits, shell, headers
	@scripts/lint
headers: $(GEN_C)
	@for h in common/include/yc/*.h; do $(CC) $(CPPFLAGS) $(CSTD) $(WARN) -fsyntax-only -x c $$h 2>&1 | grep -v 'pragma once in main file' | grep -q . && { echo "header does not stand alone: $$h"; exit 1; } || true; done
capabilities:                   ## every proven capability names a test that passed in the last run
	@scripts/capabilities

# --- data, console, life ------------------------------------------------------------------------------------------------------
SHARE := $(B)/share
share: $(SHARE)/.stamp console
$(SHARE)/.stamp: scripts/build-share $(shell find deploy/demo deploy/bench -type f 2>/dev/null)
	@mkdir -p $(SHARE)
	$(call Q,SHARE)scripts/build-share $(SHARE) && touch $@
CONSOLE_SRC := $(shell find services/console -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name schema.d.ts -not -name '*.md' 2>/dev/null)
console: $(if $(wildcard services/console/package.json),$(SHARE)/console/index.html)
$(SHARE)/console/index.html: $(CONSOLE_SRC) docs/openapi.json scripts/build-console
	$(call Q,NPM)scripts/build-console $(SHARE)/console

deps:                           ## install what a fresh Debian 12 lacks (quick when nothing is missing)
	@deploy/install-deps.sh
run: deps                       ## install, build, start the demo centre and carry one matter through it
	@$(MAKE) --no-print-directory -j$(shell nproc) all
	@scripts/run-demo $(B)
openapi: $(call bin,api)        ## docs/openapi.json from the tables of services/api
	$(call bin,api) --openapi > docs/openapi.json
install: all                    ## into $(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/yichuang
	install -m 755 $(foreach s,$(SERVICES),$(call bin,$(s))) $(DESTDIR)$(PREFIX)/bin
	cp -R $(SHARE)/. $(DESTDIR)$(PREFIX)/share/yichuang/
clean:                          ## remove everything that was built
	rm -rf out
help:                           ## this list
	@grep -hE '^[a-z0-9-]+:.*##' Makefile | sed -E 's/:[^#]*## */\t/' | expand -t 16

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
