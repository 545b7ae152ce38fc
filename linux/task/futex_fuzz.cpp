// futex(2) by threads of two processes: waits, wakes, requeues, locks with owners, time that passes, threads that end.
//
// Each wake must reach who has waited longest, and nobody else: a model of the lines says who that is. Locks with
// owners and calls without sense use words of their own.
#include "task/futex.h"

#include <deque>

#include "fuzz.h"
#include "testing/world.h"

namespace kos::fuzz {

namespace {

using namespace lx;
using namespace lx::testing;

constexpr unsigned kFutex = 98, kSetRobustList = 99, kExit = 93, kStepsMost = 200, kThreads = 8;
constexpr uint64_t kWait = 0, kWake = 1, kRequeue = 3, kCmpRequeue = 4, kWaitBitset = 9, kWakeBitset = 10,
                   kPrivate = 128;
constexpr unsigned kWords = 4;
constexpr uint64_t kTime = kArea + 0x2000, kList = kArea + 0x2100;

uint64_t word_at(unsigned which) { return kArea + 0x1000 + which * 0x40; }
uint64_t wild_word_at(unsigned which) { return kArea + 0x1800 + which % 8 * 4; }

struct Waiter {
    Thread* thread;
    uint32_t bits;
};

class Game {
public:
    Game() {
        Process& init = world_.make_process();
        process_ = &world_.make_process(&init);
        other_ = &world_.make_process(&init);
        for (unsigned i = 1; i < kThreads; ++i) world_.make_thread(*process_);
        for (auto& thread : process_->threads) threads_.push_back(thread);
    }

    void step(Reader& reader) {
        Thread* const thread = runnable(reader);
        if (!thread) {
            release();
            return;
        }
        unsigned const from = reader.below(kWords), to = reader.below(kWords);
        uint32_t const count = reader.below(5), bits = 1u << reader.below(3) | reader.below(2);
        switch (reader.below(10)) {
            case 0:
            case 1:
            case 2: wait(*thread, from, ~0u); break;
            case 3: wait(*thread, from, bits); break;
            case 4:
            case 5: wake(*thread, from, count, ~0u); break;
            case 6: wake(*thread, from, count, bits); break;
            case 7: requeue(*thread, from, to, count, reader.below(4), reader.below(2)); break;
            case 8: wild(reader, *thread); break;
            default: world_.pass(reader.number<uint16_t>() * 1000ll);
        }
        check();
    }

    // Nobody must be left in a line that a wake does not reach.
    void release() {
        if (Thread* const thread = &World::first(*other_); thread->state == ThreadState::kRunning) {
            // Private words of another process are others.
            for (unsigned which = 0; which < kWords; ++which) {
                require(world_.call(*thread, kFutex, word_at(which), kWake | kPrivate, 100) == 0,
                        "woke another process");
            }
        }
        for (unsigned which = 0; which < kWords; ++which) {
            auto const key = futex_key(*process_->memory, word_at(which), true);
            require(key.ok(), "no key");
            size_t const woken = futex_wake(*key, 100);
            require(woken == lines_[which].size(), "a wake did not reach all that waited");
            world_.system.run_ready();
            for (const Waiter& waiter : lines_[which])
                require(World::result(*waiter.thread) == 0, "a woken thread sleeps");
            lines_[which].clear();
        }
    }

private:
    Thread* runnable(Reader& reader) {
        unsigned const first = reader.below(kThreads);
        for (unsigned i = 0; i < kThreads; ++i) {
            Thread& thread = *threads_[(first + i) % kThreads];
            if (thread.state == ThreadState::kRunning) return &thread;
        }
        return nullptr;
    }

    void wait(Thread& thread, unsigned which, uint32_t bits) {
        bool const has_bits = bits != ~0u;
        uint32_t const now = World::get<uint32_t>(*process_, word_at(which));
        uint64_t const operation = (has_bits ? kWaitBitset : kWait) | kPrivate;
        int64_t const refused = world_.call(thread, kFutex, word_at(which), operation, now + 1, 0, 0, bits);
        require(refused == error(Errno::kEAGAIN), "waits for a value that is not there");
        int64_t const result = world_.call(thread, kFutex, word_at(which), operation, now, 0, 0, bits);
        require(result == kAsleep, "did not wait");
        lines_[which].push_back({&thread, bits});
    }

    void wake(Thread& thread, unsigned which, uint32_t most, uint32_t bits) {
        bool const has_bits = bits != ~0u;
        std::vector<Thread*> expected;
        auto& line = lines_[which];
        // FUTEX_WAKE of none wakes one.
        uint32_t const limit = std::max(most, 1u);
        for (auto at = line.begin(); at != line.end() && expected.size() < limit;) {
            if (at->bits & bits) {
                expected.push_back(at->thread);
                at = line.erase(at);
            } else {
                ++at;
            }
        }
        int64_t const woken =
            world_.call(thread, kFutex, word_at(which), (has_bits ? kWakeBitset : kWake) | kPrivate, limit, 0, 0, bits);
        require(woken == static_cast<int64_t>(expected.size()), "woke another number");
        for (Thread* const one : expected) require(World::result(*one) == 0, "woke somebody else");
    }

    void requeue(Thread& thread, unsigned from, unsigned to, uint32_t wakes, uint32_t moves, bool compares) {
        if (from == to) return;
        uint32_t const now = World::get<uint32_t>(*process_, word_at(from));
        int64_t const done = world_.call(thread, kFutex, word_at(from), (compares ? kCmpRequeue : kRequeue) | kPrivate,
                                         wakes, moves, word_at(to), now);
        auto &source = lines_[from], &target = lines_[to];
        size_t woken = 0, moved = 0;
        while (woken < wakes && !source.empty()) {
            require(World::result(*source.front().thread) == 0, "requeue woke somebody else");
            source.pop_front();
            ++woken;
        }
        while (moved < moves && !source.empty()) {
            target.push_back(source.front());
            source.pop_front();
            ++moved;
        }
        require(done == static_cast<int64_t>(woken + moved), "requeue said another number");
    }

    // A word that the model does not know, or no word at all.
    static uint64_t wild_address(Reader& reader) {
        uint64_t const word = wild_word_at(reader.below(8)), any = reader.value();
        bool const is_modelled = any - word_at(0) < kWords * 0x40;
        return reader.below(8) || is_modelled ? word : any;
    }

    // Any operation with any arguments, on words that nobody else uses; ends of threads.
    void wild(Reader& reader, Thread& thread) {
        uint64_t const operation =
            reader.number<uint8_t>() % 16 | (reader.below(2) ? kPrivate : 0) | (reader.below(8) ? 0 : 256);
        uint64_t const a = wild_address(reader), b = wild_address(reader);
        uint64_t const value = reader.value(), last = reader.value();
        Timespec const time{0, reader.number<uint16_t>() * 1000};
        World::put(*process_, kTime, time);
        uint64_t const fourth = reader.below(2) ? kTime : reader.value();
        switch (reader.below(6)) {
            case 0: {
                // A list whose first lock is a word of ours, or anything.
                uint64_t const head[3] = {reader.below(2) ? kList : reader.value(), reader.value() % 0x100,
                                          reader.value()};
                World::put(*process_, kList, head);
                (void)world_.call(thread, kSetRobustList, kList, uint64_t{24});
                break;
            }
            case 1:
                World::put(*process_, wild_word_at(reader.below(8)),
                           static_cast<uint32_t>(thread.tid) | (reader.number<uint8_t>() & 0xc0u) << 24);
                break;
            case 2: {
                // Somebody else's end, or this one's. The last one stays, and so does the process.
                unsigned running = 0;
                for (auto& one : threads_) running += one->state == ThreadState::kRunning;
                if (running < 3 || reader.below(8)) break;
                (void)world_.call(thread, kExit, uint64_t{0});
                break;
            }
            default: (void)world_.call(thread, kFutex, a, operation, value, fourth, b, last); break;
        }
    }

    void check() {
        for (auto& line : lines_) {
            for (const Waiter& waiter : line) {
                require(waiter.thread->state == ThreadState::kAsleep, "somebody in line does not sleep");
            }
        }
    }

    World world_;
    Process* process_;
    Process* other_;
    std::vector<Ref<Thread>> threads_;
    std::deque<Waiter> lines_[kWords];
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Game game;
    for (unsigned i = 0; i < kStepsMost && !reader.empty(); ++i) game.step(reader);
    game.release();
}

std::vector<Buffer> seeds() {
    std::vector<Buffer> made;
    uint32_t state = 1;
    for (int i = 0; i < 20; ++i) {
        Writer writer;
        for (int at = 0; at < 200 * 8; ++at) {
            state = state * 1664525 + 1013904223;
            writer.number<uint8_t>(static_cast<uint8_t>(state >> 24));
        }
        made.push_back(writer.result());
    }
    return made;
}

}  // namespace kos::fuzz
