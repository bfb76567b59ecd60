// A CUDA driver without a GPU: libcuda.so.1 for tests, whose device is the host and whose machine code is a shared
// library that cuda_on_host.h made of a kernel's source.
//
// Work is queued, as on a GPU, and done when somebody waits for it; so a program that does not wait, or that reuses
// memory too early, goes wrong here, too. Fresh memory is not zero. There is a device if the variable EMULATED_CUDA is
// set; it describes the device and makes calls fail: "count=1 driver=12040 major=6 minor=1 memory=1000000 launch=719".

#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <elf.h>

namespace {

enum { success = 0, invalid_value = 1, out_of_memory = 2, no_device = 100, invalid_image = 200, invalid_handle = 400, not_found = 500 };

long setting(const char* name, long otherwise) {
    const char* all = std::getenv("EMULATED_CUDA");
    if (!all) return otherwise;
    const std::string text = std::string(" ") + all, key = std::string(" ") + name + "=";
    const auto at = text.find(key);
    return at == std::string::npos ? otherwise : std::strtol(text.c_str() + at + key.size(), nullptr, 10);
}

struct Entry {  // as in cuda_on_host.h
    void* (*pack)(void**);
    void (*run)(void*, const unsigned*, std::size_t);
    void (*discard)(void*);
};

struct Module {
    void* library;
};

struct Function {
    const Entry* entry;
    std::size_t shared_limit = 48 * 1024;
};

using Work = std::function<void()>;

struct Stream {
    std::vector<Work> queue;
    bool capturing = false;
};

struct Event {
    std::chrono::steady_clock::time_point time;
    bool reached = false;
};

std::map<char*, std::size_t> allocations;
std::size_t allocated = 0;

Stream* const default_stream = reinterpret_cast<Stream*>(1);  // CU_STREAM_LEGACY; what it does is done at once

void drain(Stream* stream) {
    std::vector<Work> queue;
    queue.swap(stream->queue);
    for (const Work& work : queue) work();
}

void* own_function(const std::string& name) {
    static void* self = [] {
        Dl_info info;
        dladdr(reinterpret_cast<void*>(setting), &info);
        return dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    }();
    return dlsym(self, name.c_str());
}

std::size_t elf_size(const unsigned char* image) {
    Elf64_Ehdr header;
    std::memcpy(&header, image, sizeof header);
    return header.e_shoff + static_cast<std::size_t>(header.e_shnum) * header.e_shentsize;
}

}  // namespace

extern "C" {

int emulated_cuda() { return 1; }  // no real driver has it

int cuInit(unsigned) { return std::getenv("EMULATED_CUDA") ? setting("init", success) : no_device; }
int cuDriverGetVersion(int* version) { return *version = setting("driver", 13000), success; }
int cuDeviceGetCount(int* count) { return *count = setting("count", 1), success; }
int cuDeviceGet(int* device, int) { return *device = 0, success; }
int cuDeviceGetName(char* name, int size, int) { return std::snprintf(name, size, "emulated GPU"), success; }

int cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 16: return *value = setting("multiprocessors", 2), success;
        case 75: return *value = setting("major", 9), success;
        case 76: return *value = setting("minor", 0), success;
        case 97: return *value = 227 * 1024, success;
        default: return invalid_value;
    }
}

int cuDevicePrimaryCtxRetain(void** context, int) { return *context = &allocations, success; }
int cuCtxSetCurrent(void*) { return success; }
int cuCtxGetCurrent(void** context) { return *context = &allocations, success; }

int cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
    *total = setting("memory", 1L << 30);
    *free = *total - allocated;
    return success;
}

int cuMemAlloc_v2(void** address, std::size_t size) {
    if (size == 0) return invalid_value;
    if (allocated + size > static_cast<std::size_t>(setting("memory", 1L << 30))) return out_of_memory;
    char* memory = static_cast<char*>(std::aligned_alloc(256, (size + 255) / 256 * 256));
    std::memset(memory, 0xff, size);
    allocations[memory] = size, allocated += size;
    return *address = memory, success;
}

int cuMemFree_v2(void* address) {
    const auto found = allocations.find(static_cast<char*>(address));
    if (found == allocations.end()) return invalid_value;
    allocated -= found->second;
    allocations.erase(found);
    return std::free(address), success;
}

int cuMemHostAlloc(void** address, std::size_t size, unsigned) {
    if (size > static_cast<std::size_t>(setting("pinned", 1L << 30))) return out_of_memory;
    return *address = std::malloc(size), success;
}
int cuMemFreeHost(void* address) { return std::free(address), success; }

int cuStreamCreate(void** stream, unsigned) { return *stream = new Stream, success; }
int cuStreamDestroy_v2(Stream* stream) { return delete stream, success; }

int cuStreamSynchronize(Stream* stream) {
    if (stream != default_stream) drain(stream);
    return setting("synchronize", success);
}

int cuMemcpyHtoD_v2(void* to, const void* from, std::size_t size) { return std::memcpy(to, from, size), success; }
int cuMemcpyDtoH_v2(void* to, const void* from, std::size_t size) { return std::memcpy(to, from, size), success; }

int cuMemcpyHtoDAsync_v2(void* to, const void* from, std::size_t size, Stream* stream) {
    return stream->queue.push_back([=] { std::memcpy(to, from, size); }), success;
}
int cuMemcpyDtoHAsync_v2(void* to, const void* from, std::size_t size, Stream* stream) {
    return cuMemcpyHtoDAsync_v2(to, from, size, stream);
}
int cuMemsetD8Async(void* to, unsigned char value, std::size_t size, Stream* stream) {
    return stream->queue.push_back([=] { std::memset(to, value, size); }), success;
}

int cuModuleLoadData(Module** module, const void* image) {
    if (std::memcmp(image, ELFMAG, SELFMAG) != 0) return invalid_image;
    char path[] = "/tmp/emulated-kernels-XXXXXX";  // the loader knows libraries by their paths
    const int file = mkstemp(path);
    const std::size_t size = elf_size(static_cast<const unsigned char*>(image));
    if (file < 0 || write(file, image, size) != static_cast<ssize_t>(size)) return invalid_image;
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    close(file);
    unlink(path);
    if (!library) return std::fprintf(stderr, "%s\n", dlerror()), invalid_image;
    return *module = new Module{library}, success;
}

int cuModuleUnload(Module* module) {
    dlclose(module->library);
    return delete module, success;
}

int cuModuleGetFunction(Function** function, Module* module, const char* name) {
    const auto* entry = static_cast<const Entry*>(dlsym(module->library, name));
    if (!entry) return not_found;
    return *function = new Function{entry}, success;
}

int cuFuncSetAttribute(Function* function, int attribute, int value) {
    if (attribute != 8 || value > 227 * 1024) return invalid_value;
    return function->shared_limit = value, success;
}

int cuLaunchKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, Stream* stream, void** arguments, void**) {
    if (const long failure = setting("launch", success)) return failure;
    if (gx == 0 || bx == 0 || bx * by * bz > 1024 || gy > 65535 || shared > function->shared_limit)
        return invalid_value;
    std::shared_ptr<void> packed(function->entry->pack(arguments), function->entry->discard);
    stream->queue.push_back([=] {
        const unsigned shape[] = {gx, gy, gz, bx, by, bz};
        function->entry->run(packed.get(), shape, shared);
    });
    return success;
}

int cuStreamBeginCapture_v2(Stream* stream, int) {
    drain(stream);
    return stream->capturing = true, success;
}

int cuStreamEndCapture(Stream* stream, std::vector<Work>** graph) {
    if (!stream->capturing) return invalid_value;
    *graph = new std::vector<Work>;
    (*graph)->swap(stream->queue);
    return stream->capturing = false, success;
}

int cuGraphInstantiateWithFlags(std::vector<Work>** executable, std::vector<Work>* graph, unsigned long long) {
    return *executable = new std::vector<Work>(*graph), success;
}
int cuGraphDestroy(std::vector<Work>* graph) { return delete graph, success; }
int cuGraphExecDestroy(std::vector<Work>* graph) { return delete graph, success; }
int cuGraphLaunch(std::vector<Work>* graph, Stream* stream) {
    return stream->queue.insert(stream->queue.end(), graph->begin(), graph->end()), success;
}

int cuEventCreate(Event** event, unsigned) { return *event = new Event, success; }
int cuEventDestroy_v2(Event* event) { return delete event, success; }
int cuEventRecord(Event* event, Stream* stream) {
    event->reached = false;
    return stream->queue.push_back([=] {
        event->time = std::chrono::steady_clock::now();
        event->reached = true;
    }), success;
}
int cuEventElapsedTime(float* milliseconds, const Event* begin, const Event* end) {
    if (!begin->reached || !end->reached) return 600;  // not ready
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - begin->time).count();
    return success;
}

int cuGetProcAddress_v2(const char* name, void** function, int, std::uint64_t, int* found) {
    const std::string wanted = name;
    *function = nullptr;
    for (const char* suffix : {"_v2", ""})
        if (!*function) *function = own_function(wanted + suffix);
    if (wanted == "cuGraphInstantiate") *function = reinterpret_cast<void*>(cuGraphInstantiateWithFlags);
    if (found) *found = *function ? 0 : 1;
    return *function ? success : not_found;
}
int cuGetProcAddress(const char* name, void** function, int version, std::uint64_t flags) {
    return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}

}  // extern "C"
