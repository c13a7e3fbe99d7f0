// Threads that wait for work, so that a call costs no start of a thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <unistd.h>

namespace edgeprune {

class Pool {
 public:
  explicit Pool(int workers) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this, i] { serve(i); });
  }

  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  int workers() const { return int(threads_.size()); }

  // Runs task(0) ... task(items - 1) on `threads` threads, this one among them.
  void run(int items, int threads, const std::function<void(int)>& task) {
    std::lock_guard<std::mutex> one_at_a_time(calls_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      items_ = items;
      next_ = 0;
      helping_ = std::min(threads - 1, workers());
      running_ = helping_;
      ++turn_;
    }
    wake_.notify_all();
    take();
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  void take() {
    for (int item = next_++; item < items_; item = next_++) (*task_)(item);
  }

  void serve(int number) {
    uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || turn_ != seen; });
        if (stopping_) return;
        seen = turn_;
        if (number >= helping_) continue;
      }
      take();
      std::lock_guard<std::mutex> lock(mutex_);
      if (--running_ == 0) done_.notify_one();
    }
  }

  std::mutex calls_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  const std::function<void(int)>* task_ = nullptr;
  std::atomic<int> next_{0};
  int items_ = 0, helping_ = 0, running_ = 0;
  uint64_t turn_ = 0;
  bool stopping_ = false;
};

// The process's pool, with at least so many workers. It is never destroyed: threads may not be
// joined while a process ends, and after a fork they are not there.
inline Pool& pool(int workers) {
  static std::mutex mutex;
  static Pool* made = nullptr;
  static pid_t owner = 0;
  std::lock_guard<std::mutex> lock(mutex);
  if (made == nullptr || owner != getpid() || made->workers() < workers) {
    made = new Pool(workers);
    owner = getpid();
  }
  return *made;
}

inline void parallel(int items, int threads, const std::function<void(int)>& task) {
  threads = std::min(threads, items);
  if (threads <= 1) {
    for (int item = 0; item < items; ++item) task(item);
  } else {
    pool(threads - 1).run(items, threads, task);
  }
}

}  // namespace edgeprune
