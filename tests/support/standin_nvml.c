/* A libnvidia-ml whose GPUs draw what the test says; its energy is the true integral of that. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    unsigned int fieldId, scopeId;
    long long timestamp, latencyUsec;
    int valueType, nvmlReturn;
    union { double d; unsigned int ui; unsigned long long ull; } value;
} FieldValue;

enum { OK = 0, NOT_SUPPORTED = 3, GPU_IS_LOST = 15, POWER_INSTANT = 186 };

static int gpus = 1, has_instant = 1, has_usage = 1, has_energy = 1, is_lost = 0, started = 0;
static unsigned int power_mw = 50000, counted_mw = 0;
static double joules = 1000, since = -1;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void advance(void) {
    double t = now();
    if (since >= 0) joules += (t - since) * (counted_mw ? counted_mw : power_mw) / 1000.0;
    since = t;
}

void standin_gpus(int n) { gpus = n; }
void standin_has(int instant, int usage, int energy) {
    has_instant = instant; has_usage = usage; has_energy = energy;
}
void standin_lose(int lost) { is_lost = lost; }
void standin_power(unsigned int mw) { advance(); power_mw = mw; }
void standin_counts(unsigned int mw) { advance(); counted_mw = mw; }
int standin_started(void) { return started; }

int nvmlInit_v2(void) {
    const char *power = getenv("STANDIN_NVML_MW");
    if (power) power_mw = (unsigned int)atoi(power);
    started++;
    advance();
    return OK;
}
int nvmlShutdown(void) { started--; return OK; }
const char *nvmlErrorString(int code) {
    return code == NOT_SUPPORTED ? "Not Supported" : code == GPU_IS_LOST ? "GPU is lost" : "Unknown";
}
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = gpus; return OK; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
    *device = (char *)NULL + index + 1;
    return OK;
}
int nvmlDeviceGetName(void *device, char *name, unsigned int length) {
    (void)device;
    strncpy(name, "NVIDIA Stand-in", length);
    return OK;
}
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned int length) {
    snprintf(uuid, length, "GPU-%d0000000-stand-in", (int)((char *)device - (char *)NULL) - 1);
    return OK;
}
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *energy) {
    (void)device;
    if (is_lost) return GPU_IS_LOST;
    if (!has_energy) return NOT_SUPPORTED;
    advance();
    *energy = (unsigned long long)(joules * 1000);
    return OK;
}
int nvmlDeviceGetFieldValues(void *device, int count, FieldValue *values) {
    (void)device;
    if (is_lost) return GPU_IS_LOST;
    for (int i = 0; i < count; i++) {
        int known = has_instant && values[i].fieldId == POWER_INSTANT;
        values[i].nvmlReturn = known ? OK : NOT_SUPPORTED;
        values[i].valueType = 1;
        values[i].value.ui = power_mw;
    }
    return OK;
}
int nvmlDeviceGetPowerUsage(void *device, unsigned int *power) {
    (void)device;
    if (is_lost) return GPU_IS_LOST;
    *power = power_mw;
    return has_usage ? OK : NOT_SUPPORTED;
}
