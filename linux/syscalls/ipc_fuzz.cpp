// System V IPC: any calls of two processes, with numbers of objects that are there, were there or never were.
//
// Afterwards, with the objects removed and the processes' memory gone, no frame is left.
#include "syscalls/ipc.h"

#include "fuzz.h"
#include "syscalls/families.h"
#include "testing/world.h"

namespace kos::fuzz {

namespace {

using namespace lx;
using namespace lx::testing;

constexpr unsigned kStepsMost = 200, kThreads = 6;
constexpr unsigned kMsgget = 186, kMsgctl = 187, kSemget = 190, kSemctl = 191, kShmget = 194, kShmctl = 195;
constexpr uint64_t kMemory = kArea + 0x1000, kTime = kArea + 0x3000;

class Game {
public:
    Game() {
        init_ = &world_.make_process();
        for (int i = 0; i < 2; ++i) {
            Process& process = world_.make_process(init_);
            for (unsigned more = 1; more < kThreads / 2; ++more) world_.make_thread(process);
            for (auto& thread : process.threads) threads_.push_back(thread);
            for (SignalAction& action : process.handlers->actions) action.handler = kSIG_IGN;
            World::put(process, kTime, Timespec{0, 1000});
        }
        for (auto const& family : {kSharedMemoryCalls, kSemaphoreCalls, kMessageCalls}) {
            for (const SystemCall& call : family) numbers_.push_back(call.number);
        }
    }

    void step(Reader& reader) {
        Thread& thread = *threads_[reader.below(kThreads)];
        if (thread.state != ThreadState::kRunning) {
            world_.pass(reader.number<uint16_t>());
            return;
        }
        scatter(reader, thread.process);
        unsigned const call = numbers_[reader.below(static_cast<unsigned>(numbers_.size()))];
        uint64_t const list[] = {first(reader, call), second(reader, call), argument(reader), argument(reader),
                                 argument(reader)};
        int64_t const result = world_.call(thread, call, list[0], list[1], list[2], list[3], list[4]);
        bool const makes = call == kMsgget || call == kSemget || call == kShmget;
        if (makes && result >= 0) objects_.push_back(result);
        check();
    }

    // Everything that was made is removed, by a process that may.
    void finish() {
        Thread& thread = World::first(*init_);
        for (int64_t const object : objects_) {
            (void)world_.call(thread, kShmctl, object, kIPC_RMID, 0);
            (void)world_.call(thread, kSemctl, object, 0, kIPC_RMID, 0);
            (void)world_.call(thread, kMsgctl, object, kIPC_RMID, 0);
        }
        for (auto& one : threads_) {
            if (one->process.memory) (void)one->process.memory->unmap(kUserBegin, kUserEnd - kUserBegin);
        }
        Ipc& ipc = ipc_of(world_.system);
        ipc.forget_removed_memories();
        require(ipc.memories.size() == 0 && ipc.semaphores.size() == 0 && ipc.queues.size() == 0, "an object is left");
        world_.system.run_ready();
        for (auto& one : threads_) require(one->state != ThreadState::kAsleep, "a thread waits for what is gone");
    }

private:
    void scatter(Reader& reader, Process& process) {
        for (unsigned i = 0; i < 4; ++i) {
            uint16_t const value = reader.below(2) ? reader.number<uint8_t>() % 5 : reader.number<uint16_t>();
            // It may have detached this, or attached something there that it may not write.
            (void)process.memory->copy_out(kMemory + reader.below(16) * 2, &value, sizeof value);
        }
    }
    uint64_t object(Reader& reader) {
        if (objects_.empty() || reader.below(8) == 0) return reader.value();
        return static_cast<uint64_t>(objects_[reader.below(static_cast<unsigned>(objects_.size()))]);
    }
    uint64_t first(Reader& reader, unsigned call) {
        bool const makes = call == kMsgget || call == kSemget || call == kShmget;
        return makes ? reader.below(4) : object(reader);
    }
    uint64_t second(Reader& reader, unsigned call) {
        if (call == kMsgget) return kIPC_CREAT | 0600;
        bool const is_control = call == kMsgctl || call == kShmctl;
        return is_control ? reader.below(20) : argument(reader);
    }
    static uint64_t argument(Reader& reader) {
        switch (reader.below(6)) {
            case 0: return kMemory + reader.below(16) * 2;
            case 1: return kIPC_CREAT | 0600 | (reader.below(2) ? kIPC_EXCL : 0);
            case 2: return kTime;
            case 3: return reader.value();
            default: return reader.below(20);
        }
    }

    void check() {
        Ipc& ipc = ipc_of(world_.system);
        for (auto& [place, set] : ipc.semaphores.all()) {
            for (const Semaphore& one : set->semaphores) require(one.value >= 0, "a semaphore is below zero");
        }
        for (auto& [place, queue] : ipc.queues.all()) {
            size_t bytes = 0;
            for (const auto& message : queue->messages) bytes += message.text.size();
            require(bytes == queue->bytes && bytes <= kQueueBytesMax, "a queue's bytes are not what is counted");
        }
        require(ipc.memories.size() <= kSharedMemoriesMax, "too many segments");
    }

    World world_;
    Process* init_;
    std::vector<Ref<Thread>> threads_;
    std::vector<unsigned> numbers_;
    std::vector<int64_t> objects_;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    uint64_t const before = all_frames().used();
    {
        Game game;
        for (unsigned i = 0; i < kStepsMost && !reader.empty(); ++i) game.step(reader);
        game.finish();
    }
    // Except for the frame of zeros, which stays for good.
    require(all_frames().used() <= before + 1, "frames are left");
}

std::vector<Buffer> seeds() {
    std::vector<Buffer> made;
    uint32_t state = 1;
    for (int i = 0; i < 20; ++i) {
        Writer writer;
        for (int at = 0; at < 200 * 20; ++at) {
            state = state * 1664525 + 1013904223;
            writer.number<uint8_t>(static_cast<uint8_t>(state >> 24));
        }
        made.push_back(writer.result());
    }
    return made;
}

}  // namespace kos::fuzz
