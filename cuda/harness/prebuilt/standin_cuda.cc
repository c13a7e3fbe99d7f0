// CUDA's driver as a plugin library sees it, on a machine without one: it says what it is told.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int setting(const char* name, int usual) {
  const char* text = std::getenv(name);
  return text == nullptr ? usual : std::atoi(text);
}

}  // namespace

extern "C" {

int cuInit(unsigned) { return setting("STANDIN_INIT", 0); }
int cuCtxGetCurrent(void** context) {
  static int only;
  *context = &only;
  return 0;
}
int cuCtxGetDevice(int* device) {
  *device = 0;
  return 0;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  const int sm = setting("STANDIN_SM", 87);
  *value = attribute == 75 ? sm / 10 : attribute == 76 ? sm % 10 : -1;
  return 0;
}
int cuMemAlloc_v2(unsigned long long* memory, size_t bytes) {
  void* data = std::malloc(bytes);
  *memory = reinterpret_cast<unsigned long long>(data);
  std::puts("allocate");
  return 0;
}
int cuMemFree_v2(unsigned long long memory) {
  std::free(reinterpret_cast<void*>(memory));
  std::puts("free");
  return 0;
}
int cuMemcpyHtoD_v2(unsigned long long to, const void* from, size_t bytes) {
  std::memcpy(reinterpret_cast<void*>(to), from, bytes);
  return 0;
}
int cuModuleLoadData(void** module, const void* image) {
  std::printf("module %.20s at %zu\n", static_cast<const char*>(image),
              reinterpret_cast<size_t>(image) % 64);
  *module = const_cast<void*>(image);
  return 0;
}
int cuModuleGetFunction(void** function, void*, const char* name) {
  *function = new std::string(name);
  return 0;
}
int cuFuncSetAttribute(void*, int attribute, int value) {
  std::printf("attribute %d %d\n", attribute, value);
  return 0;
}
int cuLaunchKernel(void* function, unsigned x, unsigned y, unsigned z, unsigned block, unsigned,
                   unsigned, unsigned shared, void*, void** parameters, void**) {
  const void* seg = *static_cast<void**>(parameters[0]);  // the first of the pointers
  std::printf("launch %s grid %u %u %u block %u shared %u seg %d\n",
              static_cast<std::string*>(function)->c_str(), x, y, z, block, shared,
              static_cast<const int*>(seg)[1]);
  return setting("STANDIN_LAUNCH", 0);
}
int cuGetErrorName(int, const char** name) {
  *name = "CUDA_ERROR_STANDIN";
  return 0;
}
int cuGetErrorString(int, const char** text) {
  *text = "as told";
  return 0;
}

}  // extern "C"
