/* A libcudart on host memory, for tests of the code that calls it.
 *
 * What is queued on a stream runs when the stream is synchronised, and not before, so that a
 * missing wait shows. While a stream records, what is queued goes into a graph. Every object is
 * counted: standin_live() tells what was not given back. Misuse is cudaErrorInvalidValue.
 * CUDART is the version to be, such as 11040: it decides cudaGraphInstantiate's arguments. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID = 1, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901 };
enum { DEVICE, HOST, STREAM, EVENT, GRAPH, EXECUTABLE, KINDS };
enum { MOST = 4096, LONGEST = 256 };

typedef void (*HostFunction)(void *);
typedef struct Event { double at_ms; } Event;
typedef struct Work {
  void *target; const void *source; size_t size; HostFunction function; void *data; Event *event;
} Work;
typedef struct Queue { Work work[LONGEST]; int length; } Queue;
typedef struct Stream { Queue queued; Queue *recording; int spoilt; } Stream;

static struct { void *address; size_t size; int kind; } objects[MOST];
static double clock_ms = 0.0;
static int last_error = OK, devices = 1, device = 0;
static char fail_name[64]; static int fail_code = OK, fail_after = 0;
static char calls[1 << 16];

/* For tests. */
void standin_fail(const char *name, int code, int after) {
  strncpy(fail_name, name, sizeof fail_name - 1); fail_code = code; fail_after = after;
}
void standin_devices(int count) { devices = count; }
int standin_live(int kind) {
  int live = 0;
  for (int i = 0; i < MOST; i++) live += objects[i].address && objects[i].kind == kind;
  return live;
}
const char *standin_calls(void) { return calls; }
void standin_forget(void) { calls[0] = 0; fail_name[0] = 0; }

static int result(int code) { if (code) last_error = code; return code; }
/* Notes the call; the code to fail with where a test asked for that. */
static int enter(const char *name) {
  if (strlen(calls) + strlen(name) + 2 < sizeof calls) { strcat(calls, name); strcat(calls, " "); }
  if (!strcmp(name, fail_name) && fail_after-- <= 0) return result(fail_code);
  return OK;
}
#define ENTER int refused = enter(__func__); if (refused) return refused

static void *take(int kind, size_t size) {
  for (int i = 0; i < MOST; i++)
    if (!objects[i].address) {
      objects[i].address = calloc(1, size ? size : 1);
      objects[i].size = size; objects[i].kind = kind;
      return objects[i].address;
    }
  return NULL;
}
static int find(const void *address, int kind) {
  for (int i = 0; i < MOST; i++)
    if (address && objects[i].address == address && objects[i].kind == kind) return i;
  return -1;
}
static int give_back(void *address, int kind) {
  int at = find(address, kind);
  if (at < 0) return result(INVALID);
  free(address); objects[at].address = NULL;
  return OK;
}
static int inside(const void *address, size_t size, int kind) {
  for (int i = 0; i < MOST; i++) {
    const char *start = objects[i].address;
    if (start && objects[i].kind == kind && (const char *)address >= start &&
        (const char *)address + size <= start + objects[i].size) return 1;
  }
  return 0;
}
static Stream *recording(void) {
  for (int i = 0; i < MOST; i++)
    if (objects[i].address && objects[i].kind == STREAM) {
      Stream *stream = objects[i].address;
      if (stream->recording) return stream;
    }
  return NULL;
}
static int queue(Stream *stream, Work work) {
  if (find(stream, STREAM) < 0) return result(INVALID);
  Queue *to = stream->recording ? stream->recording : &stream->queued;
  if (to->length == LONGEST) return result(INVALID);
  to->work[to->length++] = work;
  return OK;
}
static void run(Work *work) {
  clock_ms += 0.25;
  if (work->function) work->function(work->data);
  else if (work->event) work->event->at_ms = clock_ms;
  else memcpy(work->target, work->source, work->size);
}

/* The library. */
int cudaRuntimeGetVersion(int *version) { ENTER; *version = CUDART; return OK; }
int cudaGetLastError(void) { int code = last_error; last_error = OK; return code; }
const char *cudaGetErrorString(int code) { return code == 2 ? "out of memory" : "stand-in error"; }
int cudaGetDeviceCount(int *count) { ENTER; *count = devices; return devices ? OK : result(100); }
int cudaSetDevice(int number) {
  ENTER;
  if (number >= devices) return result(101);
  device = number;
  return OK;
}
int cudaGetDevice(int *number) { ENTER; *number = device; return OK; }
int cudaDeviceGetAttribute(int *value, int attribute, int number) {
  ENTER;
  if (number >= devices) return result(101);
  *value = attribute == 75 ? 8 : attribute == 76 ? 7 : attribute == 18 ? 1 : 16;
  return OK;
}
int cudaMemGetInfo(size_t *available, size_t *total) {
  ENTER; *available = 3u << 20; *total = 8u << 20; return OK;
}
static int allocate(void **address, int kind, size_t size) {
  Stream *stream = recording();
  if (stream) { stream->spoilt = 1; return result(CAPTURE_UNSUPPORTED); }
  *address = take(kind, size);
  return OK;
}
int cudaMalloc(void **address, size_t size) { ENTER; return allocate(address, DEVICE, size); }
int cudaFree(void *address) { ENTER; return give_back(address, DEVICE); }
int cudaHostAlloc(void **address, size_t size, unsigned flags) {
  ENTER; return flags ? result(INVALID) : allocate(address, HOST, size);
}
int cudaFreeHost(void *address) { ENTER; return give_back(address, HOST); }
int cudaMemcpyAsync(void *target, const void *source, size_t size, int kind, Stream *stream) {
  ENTER;
  int to = kind == 1 ? DEVICE : HOST, from = kind == 1 ? HOST : DEVICE;
  if ((kind != 1 && kind != 2) || !inside(target, size, to) || !inside(source, size, from))
    return result(INVALID);
  return queue(stream, (Work){target, source, size, NULL, NULL, NULL});
}
int cudaLaunchHostFunc(Stream *stream, HostFunction function, void *data) {
  ENTER; return queue(stream, (Work){NULL, NULL, 0, function, data, NULL});
}
int cudaStreamCreateWithFlags(Stream **stream, unsigned flags) {
  ENTER; *stream = take(STREAM, sizeof(Stream)); return flags == 1 ? OK : result(INVALID);
}
int cudaStreamSynchronize(Stream *stream) {
  int refused = enter(__func__);
  if (refused) { stream->queued.length = 0; return refused; } /* a lost GPU drops its work */
  if (find(stream, STREAM) < 0) return result(INVALID);
  if (stream->recording) { stream->spoilt = 1; return result(CAPTURE_UNSUPPORTED); }
  for (int i = 0; i < stream->queued.length; i++) run(&stream->queued.work[i]);
  stream->queued.length = 0;
  return OK;
}
int cudaStreamDestroy(Stream *stream) { ENTER; return give_back(stream, STREAM); }
int cudaEventCreateWithFlags(Event **event, unsigned flags) {
  ENTER; *event = take(EVENT, sizeof(Event)); return flags ? result(INVALID) : OK;
}
int cudaEventRecord(Event *event, Stream *stream) {
  ENTER;
  if (find(event, EVENT) < 0) return result(INVALID);
  return queue(stream, (Work){NULL, NULL, 0, NULL, NULL, event});
}
int cudaEventSynchronize(Event *event) {
  ENTER;
  if (find(event, EVENT) < 0) return result(INVALID);
  for (int i = 0; i < MOST; i++)
    if (objects[i].address && objects[i].kind == STREAM) cudaStreamSynchronize(objects[i].address);
  return OK;
}
int cudaEventElapsedTime(float *ms, Event *start, Event *end) {
  ENTER;
  if (find(start, EVENT) < 0 || find(end, EVENT) < 0) return result(INVALID);
  if (!start->at_ms || !end->at_ms) return result(600); /* cudaErrorNotReady */
  *ms = (float)(end->at_ms - start->at_ms);
  return OK;
}
int cudaEventDestroy(Event *event) { ENTER; return give_back(event, EVENT); }
int cudaStreamBeginCapture(Stream *stream, int mode) {
  ENTER;
  if (find(stream, STREAM) < 0 || stream->recording || mode != 1) return result(INVALID);
  stream->recording = take(GRAPH, sizeof(Queue)); stream->spoilt = 0;
  return OK;
}
int cudaStreamEndCapture(Stream *stream, Queue **graph) {
  ENTER;
  if (find(stream, STREAM) < 0 || !stream->recording) return result(INVALID);
  *graph = stream->recording; stream->recording = NULL;
  if (!stream->spoilt) return OK;
  give_back(*graph, GRAPH); *graph = NULL;
  return result(CAPTURE_INVALIDATED);
}
static int instantiate(Queue **executable, Queue *graph) {
  if (find(graph, GRAPH) < 0) return result(INVALID);
  *executable = take(EXECUTABLE, sizeof(Queue));
  **executable = *graph;
  return OK;
}
#if CUDART >= 12000
int cudaGraphInstantiate(Queue **executable, Queue *graph, unsigned long long flags) {
  ENTER; return flags ? result(INVALID) : instantiate(executable, graph);
}
#else
int cudaGraphInstantiate(Queue **executable, Queue *graph, void **node, char *log, size_t size) {
  ENTER; return node || log || size ? result(INVALID) : instantiate(executable, graph);
}
#endif
int cudaGraphLaunch(Queue *executable, Stream *stream) {
  ENTER;
  if (find(executable, EXECUTABLE) < 0) return result(INVALID);
  for (int i = 0; i < executable->length; i++) queue(stream, executable->work[i]);
  return OK;
}
int cudaGraphDestroy(Queue *graph) { ENTER; return give_back(graph, GRAPH); }
int cudaGraphExecDestroy(Queue *executable) { ENTER; return give_back(executable, EXECUTABLE); }
