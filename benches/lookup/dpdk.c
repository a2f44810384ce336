/*
 * Route tables of DPDK beside those of this crate: rte_fib (DIR-24-8) and rte_lpm, on the same routes and addresses.
 *
 * The bench builds this program where BIPLANE_DPDK names an installed DPDK, and talks to it line by line:
 *
 *   addresses FILE             reads addresses, 32 bits each                         -> ok COUNT
 *   answers HOW FILE           writes the answer for each of them                    -> ok
 *   time HOW FIRST COUNT       answers so many from the first on                     -> nanoseconds
 *
 * HOW is a table, a way and a burst, as in `fib2-avx512 32`. Routes are read from the file named by the first
 * argument, three numbers of 32 bits each: network, length, next hop. No route is answered with 2^32 - 1.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_lpm.h>
#include <rte_memory.h>

#define MOST 256
#define NO_ROUTE UINT32_MAX

struct route {
	uint32_t network, length, next_hop;
};

static struct rte_fib *fibs[2];
static struct rte_lpm *lpm;
static uint32_t *addresses, *answers;
static size_t count;
/* Always zero, which the compiler cannot know: it makes an address depend on the answer before. */
static volatile uint32_t nothing;

static void
fail(const char *what, const char *detail)
{
	fprintf(stderr, "dpdk: %s %s\n", what, detail);
	exit(1);
}

static void *
read_all(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		fail("cannot read", path);
	fseek(file, 0, SEEK_END);
	*bytes = ftell(file);
	rewind(file);
	void *content = malloc(*bytes + 1);
	if (content == NULL || fread(content, 1, *bytes, file) != *bytes)
		fail("cannot read", path);
	fclose(file);
	return content;
}

/* Next hops of rte_fib have two bits fewer than their size; the largest stands for no route. */
static const uint64_t none_of[2] = { (1 << 7) - 1, (1 << 15) - 1 };

/* Large tables on huge pages, as this crate's are: DPDK has small ones where none are set aside for it. */
static int
advise(const struct rte_memseg_list *list, const struct rte_memseg *segment, void *argument)
{
	(void)list;
	(void)argument;
	madvise(segment->addr, segment->len, MADV_HUGEPAGE);
	return 0;
}

static void
build(const struct route *routes, size_t many)
{
	for (int at = 0; at < 2; at++) {
		struct rte_fib_conf conf = {
			.type = RTE_FIB_DIR24_8,
			.default_nh = none_of[at],
			.max_routes = many + 1,
			.dir24_8 = { .nh_sz = at == 0 ? RTE_FIB_DIR24_8_1B : RTE_FIB_DIR24_8_2B,
				     .num_tbl8 = at == 0 ? 127 : (1 << 15) - 1 },
		};
		bool fits = true;
		fibs[at] = rte_fib_create(at == 0 ? "one" : "two", SOCKET_ID_ANY, &conf);
		if (fibs[at] == NULL)
			fail("no rte_fib:", rte_strerror(rte_errno));
		for (size_t r = 0; fits && r < many; r++)
			fits = routes[r].next_hop < none_of[at] &&
			       rte_fib_add(fibs[at], routes[r].network, routes[r].length, routes[r].next_hop) == 0;
		if (!fits) {
			rte_fib_free(fibs[at]);
			fibs[at] = NULL;
		}
	}
	/* It looks through all routes of a length for each that is added: minutes for a full table. */
	if (many > 100000 && getenv("BIPLANE_DPDK_LPM") == NULL)
		return;
	struct rte_lpm_config config = { .max_rules = many + 1, .number_tbl8s = 1 << 16 };
	lpm = rte_lpm_create("lpm", SOCKET_ID_ANY, &config);
	if (lpm == NULL)
		fail("no rte_lpm:", rte_strerror(rte_errno));
	for (size_t r = 0; r < many; r++)
		/* It takes no default route. */
		if (routes[r].next_hop >= 1 << 24 || routes[r].length == 0 ||
		    rte_lpm_add(lpm, routes[r].network, routes[r].length, routes[r].next_hop) != 0) {
			rte_lpm_free(lpm);
			lpm = NULL;
			return;
		}
}

static void
ask_fib(struct rte_fib *fib, uint64_t none, const uint32_t *from, uint32_t *to, unsigned int burst, size_t many)
{
	uint64_t hops[MOST];
	for (size_t at = 0; at < many; at += burst) {
		unsigned int some = RTE_MIN((size_t)burst, many - at);
		rte_fib_lookup_bulk(fib, (uint32_t *)(uintptr_t)(from + at), hops, some);
		for (unsigned int k = 0; k < some; k++)
			to[at + k] = hops[k] == none ? NO_ROUTE : (uint32_t)hops[k];
	}
}

static void
ask_lpm(const uint32_t *from, uint32_t *to, unsigned int burst, size_t many)
{
	for (size_t at = 0; at < many; at += burst) {
		uint32_t hops[MOST];
		unsigned int some = RTE_MIN((size_t)burst, many - at);
		rte_lpm_lookup_bulk(lpm, from + at, hops, some);
		for (unsigned int k = 0; k < some; k++)
			to[at + k] = hops[k] & RTE_LPM_LOOKUP_SUCCESS ? hops[k] & 0xffffff : NO_ROUTE;
	}
}

static void
ask_lpm_one(const uint32_t *from, uint32_t *to, size_t many)
{
	for (size_t at = 0; at < many; at++) {
		uint32_t hop;
		to[at] = rte_lpm_lookup(lpm, from[at], &hop) == 0 ? hop : NO_ROUTE;
	}
}

static uint32_t
ask_dependent(const char *table, struct rte_fib *fib, uint64_t none, const uint32_t *from, size_t many)
{
	uint32_t last = 0, zero = nothing;
	for (size_t at = 0; at < many; at++) {
		uint32_t address = from[at] ^ (last & zero);
		if (*table == 'l') {
			uint32_t hop;
			last = rte_lpm_lookup(lpm, address, &hop) == 0 ? hop : NO_ROUTE;
		} else {
			uint64_t hop;
			rte_fib_lookup_bulk(fib, &address, &hop, 1);
			last = hop == none ? NO_ROUTE : (uint32_t)hop;
		}
	}
	return last;
}

/* Answers `many` addresses from `first` on in the way that is asked for; false where there is none such. */
static bool
ask(const char *how, unsigned int burst, size_t first, size_t many)
{
	const uint32_t *from = addresses + first;
	uint32_t *to = answers + first;
	bool dependent = strstr(how, "dependent") != NULL;
	if (burst < 1 || burst > MOST)
		return false;
	if (strncmp(how, "lpm", 3) == 0) {
		if (lpm == NULL)
			return false;
		if (dependent)
			answers[0] = ask_dependent("lpm", NULL, 0, from, many);
		else if (burst == 1)
			ask_lpm_one(from, to, many);
		else
			ask_lpm(from, to, burst, many);
		return true;
	}
	int at = strncmp(how, "fib2", 4) == 0;
	struct rte_fib *fib = fibs[at];
	if (strncmp(how, "fib", 3) != 0 || fib == NULL)
		return false;
	enum rte_fib_lookup_type type = strstr(how, "avx512") != NULL ? RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512 :
									  RTE_FIB_LOOKUP_DIR24_8_SCALAR_MACRO;
	if (rte_fib_select_lookup(fib, type) != 0)
		return false;
	if (dependent)
		answers[0] = ask_dependent("fib", fib, none_of[at], from, many);
	else
		ask_fib(fib, none_of[at], from, to, burst, many);
	return true;
}

static uint64_t
nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int
main(int argc, char **argv)
{
	char *eal[] = {
		argv[0],	"--no-huge",	  "-m",		       "1024",
		"--no-pci",	"--no-shconf",	  "--no-telemetry",    "--log-level=error",
		"-l",		argc > 2 ? argv[2] : "0",
		"--force-max-simd-bitwidth=512",
	};
	char line[4096], how[64], path[4000];
	unsigned int burst;
	size_t bytes, first, many;

	if (argc < 2)
		fail("a file of routes", "is missing");
	if (rte_eal_init(RTE_DIM(eal), eal) < 0)
		fail("cannot begin:", rte_strerror(rte_errno));
	rte_memseg_walk(advise, NULL);
	struct route *routes = read_all(argv[1], &bytes);
	build(routes, bytes / sizeof(*routes));
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "addresses %3999[^\n]", path) == 1) {
			free(addresses);
			free(answers);
			addresses = read_all(path, &bytes);
			count = bytes / sizeof(*addresses);
			answers = calloc(count + 1, sizeof(*answers));
			printf("ok %zu\n", count);
		} else if (sscanf(line, "answers %63s %u %3999[^\n]", how, &burst, path) == 3) {
			if (ask(how, burst, 0, count)) {
				FILE *file = fopen(path, "wb");
				if (file == NULL || fwrite(answers, sizeof(*answers), count, file) != count || fclose(file) != 0)
					fail("cannot write", path);
				printf("ok\n");
			} else {
				printf("none\n");
			}
		} else if (sscanf(line, "time %63s %u %zu %zu", how, &burst, &first, &many) == 4 &&
			   first + many <= count) {
			uint64_t before = nanoseconds();
			bool is_there = ask(how, burst, first, many);
			uint64_t taken = nanoseconds() - before;
			printf(is_there ? "%" PRIu64 "\n" : "none\n", taken);
		} else {
			printf("what?\n");
		}
		fflush(stdout);
	}
	return 0;
}
