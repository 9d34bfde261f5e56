// Enough of CUDA to run a cooperative kernel on a CPU: every CUDA thread is a thread of the system. Slow, and exact.
#include <atomic>
#include <barrier>
#include <cmath>
#include <thread>
#include <vector>

#define __global__
#define __device__ static
#define __launch_bounds__(threads, blocks)

struct float4 { float x, y, z, w; };
struct Place { unsigned x; };
static thread_local Place threadIdx, blockIdx, gridDim;
static thread_local std::barrier<> *block_barrier;
static thread_local float *shared_memory;

static float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
template <class T> static T __ldcg(const T *place) { return *place; }
static int min(int a, int b) { return a < b ? a : b; }
static void __syncthreads() { block_barrier->arrive_and_wait(); }
static void __threadfence() { std::atomic_thread_fence(std::memory_order_seq_cst); std::this_thread::yield(); }
static void atomicAdd(unsigned *place, unsigned more) { std::atomic_ref<unsigned>(*place) += more; }

// Runs kernel() as ``blocks`` blocks of ``threads`` threads, each block with ``bytes`` of shared memory.
template <class Kernel> static void launch(unsigned blocks, unsigned threads, unsigned bytes, Kernel kernel) {
    std::vector<std::vector<float>> memory(blocks, std::vector<float>(bytes / 4 + 4, NAN));
    std::vector<std::barrier<> *> barriers;
    for (unsigned b = 0; b < blocks; b++) barriers.push_back(new std::barrier<>(threads));
    std::vector<std::thread> all;
    for (unsigned b = 0; b < blocks; b++)
        for (unsigned n = 0; n < threads; n++)
            all.emplace_back([&, b, n] {
                threadIdx.x = n, blockIdx.x = b, gridDim.x = blocks;
                block_barrier = barriers[b], shared_memory = memory[b].data();
                kernel();
            });
    for (auto &thread : all) thread.join();
    for (auto *barrier : barriers) delete barrier;
}
