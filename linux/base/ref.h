// Counted references to objects of the personality. Not atomic: one thread at a time works in it (platform/server.h).
#pragma once

#include <stdint.h>

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

template <class T>
class Ref {
public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    explicit Ref(T* object) : object_(object) { acquire(); }
    Ref(const Ref& other) : object_(other.object_) { acquire(); }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <class U>
    Ref(const Ref<U>& other) : object_(other.get()) {
        acquire();
    }
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() { release(); }

    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    bool operator==(const Ref& other) const { return object_ == other.object_; }
    bool operator==(std::nullptr_t) const { return object_ == nullptr; }

private:
    void acquire() {
        if (object_) ++static_cast<Counted*>(object_)->references_;
    }
    void release() {
        if (!object_) return;
        Counted* const counted = object_;
        object_ = nullptr;
        if (--counted->references_ == 0) counted->unreferenced();
    }
    T* object_ = nullptr;
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
