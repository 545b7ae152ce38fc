// The cache of names: a hash table over (directory, name), and the list of those that nobody refers to.
#include "vfs/dentry.h"

#include <array>

namespace kos::lx {

// All dentries of the system. The list holds every dentry whose last reference has gone since it was last looked at;
// some are in use again, which shows when they are to be evicted.
class DentryCache {
public:
    static constexpr size_t kBuckets = 8192;
    std::array<Dentry*, kBuckets> buckets{};
    Dentry* newest = nullptr;
    Dentry* oldest = nullptr;
    size_t unused = 0;
    Dentry* dying = nullptr;  // by next_in_bucket_; parents follow their children without recursion
    bool is_burying = false;

    static DentryCache& get() {
        static DentryCache* const cache = new DentryCache;
        return *cache;
    }

    static uint32_t hash(const Dentry* parent, std::string_view name) {
        uint64_t value = reinterpret_cast<uintptr_t>(parent) >> 4;
        value = (value ^ 0xcbf29ce484222325) * 0x9e3779b97f4a7c15;
        for (char const c : name) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        return static_cast<uint32_t>(value ^ value >> 32);
    }

    Dentry* find(const Dentry* parent, std::string_view name, uint32_t value) {
        for (Dentry* entry = buckets[value % kBuckets]; entry; entry = entry->next_in_bucket_) {
            if (entry->hash_value_ == value && entry->parent_.get() == parent && entry->name_ == name) return entry;
        }
        return nullptr;
    }

    void take_out(Dentry& entry) {
        if (!entry.is_unused_) return;
        (entry.newer_ ? entry.newer_->older_ : newest) = entry.older_;
        (entry.older_ ? entry.older_->newer_ : oldest) = entry.newer_;
        entry.newer_ = entry.older_ = nullptr;
        entry.is_unused_ = false;
        --unused;
    }

    void put_in(Dentry& entry) {
        if (newest == &entry) return;
        take_out(entry);
        entry.older_ = newest;
        (newest ? newest->newer_ : oldest) = &entry;
        newest = &entry;
        entry.is_unused_ = true;
        ++unused;
    }

    void bury(Dentry& entry) {
        take_out(entry);
        entry.unhash();
        entry.next_in_bucket_ = dying;
        dying = &entry;
        if (is_burying) return;
        is_burying = true;
        while (Dentry* const next = dying) {
            dying = next->next_in_bucket_;
            delete next;  // its parent may come here
        }
        is_burying = false;
    }

    void evict_one() {
        Dentry& entry = *oldest;
        take_out(entry);
        if (entry.references() == 0) bury(entry);
    }
};

Dentry::Dentry(Ref<Dentry> parent, std::string_view name, Ref<Inode> inode)
    : parent_(std::move(parent)), root_(parent_ ? parent_->root_ : this), name_(name), inode_(std::move(inode)) {}

Dentry::~Dentry() = default;

void Dentry::unreferenced() {
    DentryCache& cache = DentryCache::get();
    if (!is_hashed_) {
        cache.bury(*this);
        return;
    }
    cache.put_in(*this);
    while (cache.unused > kUnusedMax) cache.evict_one();
}

void Dentry::hash() {
    if (is_hashed_) return;
    DentryCache& cache = DentryCache::get();
    hash_value_ = DentryCache::hash(parent_.get(), name_);
    Dentry*& bucket = cache.buckets[hash_value_ % DentryCache::kBuckets];
    next_in_bucket_ = bucket;
    bucket = this;
    is_hashed_ = true;
}

void Dentry::unhash() {
    if (!is_hashed_) return;
    Dentry** link = &DentryCache::get().buckets[hash_value_ % DentryCache::kBuckets];
    while (*link != this) link = &(*link)->next_in_bucket_;
    *link = next_in_bucket_;
    next_in_bucket_ = nullptr;
    is_hashed_ = false;
}

Ref<Dentry> Dentry::make_root(Ref<Inode> inode) { return Ref<Dentry>(new Dentry(nullptr, {}, std::move(inode))); }

Dentry* Dentry::cached(const Dentry& parent, std::string_view name) {
    return DentryCache::get().find(&parent, name, DentryCache::hash(&parent, name));
}

Result<Ref<Dentry>> Dentry::find(Dentry& parent, std::string_view name) {
    if (Dentry* const known = cached(parent, name)) return Ref<Dentry>(known);
    Inode& directory = *parent.inode();
    auto found = directory.lookup(name);
    if (!found.ok() && found.error() != Errno::kENOENT) return found.error();
    Ref<Dentry> entry(new Dentry(Ref<Dentry>(&parent), name, found.ok() ? found.take() : nullptr));
    if (directory.file_system().may_cache_names()) {
        entry->hash();
    } else {
        entry->is_uncached_ = true;
    }
    return entry;
}

Ref<Dentry> Dentry::added(Dentry& parent, std::string_view name, Ref<Inode> inode) {
    Ref<Dentry> entry(cached(parent, name));
    if (!entry) entry = Ref<Dentry>(new Dentry(Ref<Dentry>(&parent), name, nullptr));
    entry->inode_ = std::move(inode);
    if (parent.inode()->file_system().may_cache_names()) {
        entry->hash();
    } else {
        entry->is_uncached_ = true;
    }
    return entry;
}

Ref<Dentry> Dentry::unnamed(Dentry& parent, Ref<Inode> inode) {
    return Ref<Dentry>(new Dentry(Ref<Dentry>(&parent), "#unnamed", std::move(inode)));
}

void Dentry::removed() {
    is_uncached_ = false;
    unhash();
}

void Dentry::moved(Dentry& to_parent, std::string_view name) {
    if (Dentry* const there = cached(to_parent, name); there && there != this) {
        Ref<Dentry> const hold(there);
        hold->unhash();
    }
    unhash();
    parent_ = Ref<Dentry>(&to_parent);
    name_ = name;
    if (!is_uncached_) hash();
}

void Dentry::exchanged(Dentry& one, Dentry& other) {
    one.unhash();
    other.unhash();
    std::swap(one.parent_, other.parent_);
    std::swap(one.name_, other.name_);
    if (!one.is_uncached_) one.hash();
    if (!other.is_uncached_) other.hash();
}

bool Dentry::is_below(const Dentry& ancestor) const {
    for (const Dentry* entry = this; entry; entry = entry->parent()) {
        if (entry == &ancestor) return true;
    }
    return false;
}

void Dentry::drop_unused() {
    DentryCache& cache = DentryCache::get();
    // Parents come to the list when their last child goes.
    while (cache.oldest) cache.evict_one();
}

void Dentry::drop_unused_of(const Dentry& root) {
    DentryCache& cache = DentryCache::get();
    std::vector<Dentry*> others;
    // Parents come to the list's new end when their last child goes.
    while (Dentry* const entry = cache.oldest) {
        cache.take_out(*entry);
        if (entry->root_ != root.root_) {
            others.push_back(entry);
        } else if (entry->references() == 0) {
            cache.bury(*entry);
        }
    }
    for (Dentry* const entry : others) cache.put_in(*entry);
}

size_t Dentry::unused_count() { return DentryCache::get().unused; }

}  // namespace kos::lx
