// Runs the CPU kernel on cases from a file and compares with what the file says of each.
//
// A case is a Conv, then for each of seg, off, perm, values, bias, input, residual and the expected
// result its number of bytes (int64) and the bytes; an empty bias or residual is none.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "geometry.h"

extern "C" {
void* edgeprune_sparse_plan(const edgeprune::Conv*, const int32_t*, const uint16_t*,
                            const int32_t*, const float*, const float*, int64_t, int64_t);
int edgeprune_sparse_run(const void*, const float*, const float*, float*, int);
void edgeprune_sparse_free(void*);
int edgeprune_sparse_width();
}

using Bytes = std::vector<char>;

static Bytes block(std::FILE* file) {
  int64_t size = 0;
  if (std::fread(&size, sizeof size, 1, file) != 1) std::abort();
  Bytes bytes(static_cast<size_t>(size));
  if (size && std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size()) std::abort();
  return bytes;
}

template <typename T>
static const T* as(const Bytes& bytes) {
  return bytes.empty() ? nullptr : reinterpret_cast<const T*>(bytes.data());
}

// The largest error over all ways to run a case.
static double error_of(const edgeprune::Conv& conv, const std::vector<Bytes>& arrays) {
  const Bytes& expected = arrays[7];
  double worst = 0;
  for (int64_t budget : {int64_t(1), int64_t(4096), int64_t(1) << 19}) {
    void* plan = edgeprune_sparse_plan(&conv, as<int32_t>(arrays[0]), as<uint16_t>(arrays[1]),
                                       as<int32_t>(arrays[2]), as<float>(arrays[3]),
                                       as<float>(arrays[4]), budget, 1);
    if (!plan) return INFINITY;
    for (int threads = 1; threads <= 3; ++threads) {
      std::vector<float> found(expected.size() / sizeof(float), NAN);
      if (edgeprune_sparse_run(plan, as<float>(arrays[5]), as<float>(arrays[6]), found.data(),
                               threads)) {
        return INFINITY;
      }
      for (size_t i = 0; i < found.size(); ++i) {
        const double error = std::abs(double(found[i]) - as<float>(expected)[i]);
        worst = error <= worst ? worst : error;  // what is not a number is the worst
      }
    }
    edgeprune_sparse_free(plan);
  }
  return worst;
}

int main(int count, char** arguments) {
  std::FILE* file = count == 2 ? std::fopen(arguments[1], "rb") : nullptr;
  if (!file) return 2;
  int cases = 0, wrong = 0;
  edgeprune::Conv conv;
  while (std::fread(&conv, sizeof conv, 1, file) == 1) {
    std::vector<Bytes> arrays;
    for (int i = 0; i < 8; ++i) arrays.push_back(block(file));
    const double error = error_of(conv, arrays);
    wrong += !(error <= 1e-4);
    ++cases;
  }
  std::fclose(file);
  std::printf("width %d cases %d wrong %d\n", edgeprune_sparse_width(), cases, wrong);
  return wrong ? 1 : 0;
}
