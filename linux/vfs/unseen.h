// Results that their threads may not have seen yet.
//
// A wait for files (epoll, poll, select) is answered as soon as something happens, and its thread runs when its turn
// comes. Linux looks at the files only then. So whoever has given a result remembers what it is about: when that ceases
// to be (a descriptor is closed, a member of a set goes or changes) the result is taken back, if its thread has not run
// since, and the thread waits on.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <vector>

namespace kos::lx {

class ResultSource;

class UnseenResult {
public:
    // What it says something about, by the source's number, and what the source needs to undo that.
    struct Part {
        uintptr_t about;
        uint32_t detail;
    };

    UnseenResult() = default;
    UnseenResult(const UnseenResult&) = delete;
    UnseenResult& operator=(const UnseenResult&) = delete;
    virtual ~UnseenResult() { close(); }

    void open(ResultSource& source);  // empty; whatever it was before
    void add(uintptr_t about, uint32_t detail = 0) { parts_.push_back({about, detail}); }
    // Whom it is for has it, or will not get it: nothing is taken back any more.
    void close();
    bool is_open() const { return source_ != nullptr; }

protected:
    // True: nobody has seen it and nobody will; who waits asks again.
    virtual bool take_back() = 0;

private:
    friend class ResultSource;
    ResultSource* source_ = nullptr;
    UnseenResult* next_ = nullptr;
    UnseenResult* previous_ = nullptr;
    std::vector<Part> parts_;
};

class ResultSource {
public:
    ResultSource() = default;
    ResultSource(const ResultSource&) = delete;
    ResultSource& operator=(const ResultSource&) = delete;

    // What was said about this is about to become wrong.
    void changes(uintptr_t about) {
        if (first_) take_back_all(about);
    }

protected:
    virtual ~ResultSource();  // results that are open stay as they are
    // As if these had never been given. `about` is what changes: its own state is not to be touched.
    virtual void undo(std::span<const UnseenResult::Part> parts, uintptr_t about) = 0;

private:
    friend class UnseenResult;
    void take_back_all(uintptr_t about);
    UnseenResult* first_ = nullptr;
};

}  // namespace kos::lx
