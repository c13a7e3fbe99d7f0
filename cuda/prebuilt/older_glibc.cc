// What the C++ library would take from a newer glibc. False: there may be several threads.
extern "C" {
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
}
