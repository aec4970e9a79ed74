// count-mallocs - preloaded into a server (LD_PRELOAD), counts its heap allocations. SIGUSR2 writes the count so far, and the
// allocations that are alive by size, to the file in the environment variable COUNT_MALLOCS.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZES = 1024 };  // by 8 bytes; the last holds all that are larger

static void *(*real_malloc)(size_t);
static void (*real_free)(void *);
static void *(*real_realloc)(void *, size_t);
static void *(*real_calloc)(size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static atomic_long made, alive[SIZES];
static char early[65536];  // dlsym allocates before it has found calloc
static size_t early_used;

static void *find(const char *name) { return dlsym(RTLD_NEXT, name); }

static int size_class(void *p) {
  size_t s = malloc_usable_size(p) / 8;
  return s < SIZES ? (int)s : SIZES - 1;
}
static void *count(void *p) {
  if (p) { made++; alive[size_class(p)]++; }
  return p;
}
static void forget(void *p) { if (p) alive[size_class(p)]--; }
static int is_early(void *p) { return (char *)p >= early && (char *)p < early + sizeof early; }

static void report(int signal) {
  (void)signal;
  FILE *f = fopen(getenv("COUNT_MALLOCS"), "w");
  if (!f) return;
  fprintf(f, "made %ld\n", made);
  for (int i = 0; i < SIZES; i++) if (alive[i]) fprintf(f, "alive %d %ld\n", i * 8, alive[i]);
  fclose(f);
}

__attribute__((constructor)) static void begin(void) {
  real_malloc = find("malloc");
  real_free = find("free");
  real_realloc = find("realloc");
  real_calloc = find("calloc");
  real_posix_memalign = find("posix_memalign");
  real_aligned_alloc = find("aligned_alloc");
  if (getenv("COUNT_MALLOCS")) signal(SIGUSR2, report);
}

void *malloc(size_t n) { if (!real_malloc) real_malloc = find("malloc"); return count(real_malloc(n)); }
void free(void *p) {
  if (is_early(p)) return;
  if (!real_free) real_free = find("free");
  forget(p);
  real_free(p);
}
void *realloc(void *p, size_t n) { if (!real_realloc) real_realloc = find("realloc"); forget(p); return count(real_realloc(p, n)); }
void *calloc(size_t a, size_t b) {
  if (!real_calloc) {
    void *p = early + early_used;
    early_used += (a * b + 15) & ~(size_t)15;
    return p;
  }
  return count(real_calloc(a, b));
}
int posix_memalign(void **out, size_t a, size_t n) {
  if (!real_posix_memalign) real_posix_memalign = find("posix_memalign");
  int result = real_posix_memalign(out, a, n);
  if (!result) count(*out);
  return result;
}
void *aligned_alloc(size_t a, size_t n) { if (!real_aligned_alloc) real_aligned_alloc = find("aligned_alloc"); return count(real_aligned_alloc(a, n)); }
