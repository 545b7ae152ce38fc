// Counted references to objects of the personality. Not atomic: one thread at a time works in it (platform/server.h).
#pragma once

#include <stdint.h>

#include <type_traits>
#include <utility>

namespace kos::lx {

class Counted {
public:
    Counted() = default;
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

    uint32_t references() const { return references_; }

protected:
    virtual ~Counted() = default;
    // The last reference has gone. Default: deletes the object.
    virtual void unreferenced() { delete this; }

private:
    template <class T>
    friend class Ref;
    uint32_t references_ = 0;
};

// T may be incomplete where references are only kept, copied and dropped.
template <class T>
class Ref {
public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    explicit Ref(T* object) : counted_(object) { acquire(); }
    Ref(const Ref& other) : counted_(other.counted_) { acquire(); }
    Ref(Ref&& other) noexcept : counted_(std::exchange(other.counted_, nullptr)) {}
    template <class U>
    requires std::is_convertible_v<U*, T*> Ref(const Ref<U>& other) : Ref(static_cast<T*>(other.get())) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(counted_, other.counted_);
        return *this;
    }
    ~Ref() { release(); }

    T* get() const { return static_cast<T*>(counted_); }
    T* operator->() const { return get(); }
    T& operator*() const { return *get(); }
    explicit operator bool() const { return counted_ != nullptr; }
    bool operator==(const Ref& other) const { return counted_ == other.counted_; }
    bool operator==(std::nullptr_t) const { return counted_ == nullptr; }

private:
    void acquire() {
        if (counted_) ++counted_->references_;
    }
    void release() {
        Counted* const counted = std::exchange(counted_, nullptr);
        if (counted && --counted->references_ == 0) counted->unreferenced();
    }
    Counted* counted_ = nullptr;
};

template <class T, class... Arguments>
Ref<T> make_ref(Arguments&&... arguments) {
    return Ref<T>(new T(std::forward<Arguments>(arguments)...));
}

template <class To, class From>
Ref<To> ref_cast(const Ref<From>& from) {
    return Ref<To>(static_cast<To*>(from.get()));
}

}  // namespace kos::lx
