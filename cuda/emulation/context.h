// Switching between the stacks of a launch: one for the scheduler, one for each CUDA thread.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

namespace edgeprune {
namespace emulation {

constexpr size_t kStackBytes = 64 * 1024;

#if defined(__x86_64__) || defined(__aarch64__)

// Pushes the registers that a call preserves, stores the stack pointer, and goes on at the other.
extern "C" void edgeprune_switch(void** save, void* to);

#if defined(__x86_64__)
constexpr int kSavedWords = 6;
constexpr int kReturnWord = 6;
asm(R"(
  .text
  .weak edgeprune_switch
  .type edgeprune_switch, @function
edgeprune_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size edgeprune_switch, .-edgeprune_switch
)");
#else
constexpr int kSavedWords = 20;
constexpr int kReturnWord = 11;
asm(R"(
  .text
  .weak edgeprune_switch
  .type edgeprune_switch, %function
edgeprune_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
  .size edgeprune_switch, .-edgeprune_switch
)");
#endif

struct Context {
  void* stack_pointer = nullptr;
};

// Makes `context` one that begins with `entry`, which never returns.
inline void prepare(Context* context, char* stack, void (*entry)()) {
  const uintptr_t top = (reinterpret_cast<uintptr_t>(stack) + kStackBytes) & ~uintptr_t(15);
  void** words = reinterpret_cast<void**>(top) - 2 - kSavedWords;
  for (int i = 0; i < kSavedWords + 2; ++i) words[i] = nullptr;
  words[kReturnWord] = reinterpret_cast<void*>(entry);
  context->stack_pointer = words;
}

inline void switch_stack(Context* from, Context* to) {
  edgeprune_switch(&from->stack_pointer, to->stack_pointer);
}

#else

struct Context {
  ucontext_t saved;
};

inline void prepare(Context* context, char* stack, void (*entry)()) {
  getcontext(&context->saved);
  context->saved.uc_stack.ss_sp = stack;
  context->saved.uc_stack.ss_size = kStackBytes;
  context->saved.uc_link = nullptr;
  makecontext(&context->saved, entry, 0);
}

inline void switch_stack(Context* from, Context* to) { swapcontext(&from->saved, &to->saved); }

#endif

}  // namespace emulation
}  // namespace edgeprune
