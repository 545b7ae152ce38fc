// The derivation tree against a model that keeps explicit parents: random operations on a few hundred slots, all
// families compared after each.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/derivation.h"
#include "core/objects.h"
#include "testing/kernel_test.h"

namespace keel {
namespace {

using testing::Random;

constexpr Word kBase = 0x10000000;
constexpr unsigned kRootBits = 20;

class Model {
public:
    void add(Slot* slot, Slot* parent) { parent_[slot] = parent; }
    void copied(Slot* source, Slot* copy) { parent_[copy] = source->original() ? source : parent_.at(source); }
    void removed(Slot* slot) {
        Slot* const heir = parent_.at(slot);
        parent_.erase(slot);
        for (auto& [child, parent] : parent_) {
            if (parent == slot) parent = heir;
        }
    }
    void renamed(Slot* from, Slot* to) {
        parent_[to] = parent_.at(from);
        parent_.erase(from);
        for (auto& [child, parent] : parent_) {
            if (parent == from) parent = to;
        }
    }
    void swapped(Slot* a, Slot* b) {
        Slot hole;
        renamed(a, &hole);
        renamed(b, a);
        renamed(&hole, b);
    }
    std::vector<Slot*> descendants(Slot* of) const {
        std::vector<Slot*> result;
        for (auto const& [slot, parent] : parent_) {
            for (Slot* up = parent; up; up = parent_.at(up)) {
                if (up == of) {
                    result.push_back(slot);
                    break;
                }
            }
        }
        return result;
    }
    const std::map<Slot*, Slot*>& nodes() const { return parent_; }

private:
    std::map<Slot*, Slot*> parent_;  // null: first of its tree
};

class DerivationModel : public ::testing::TestWithParam<uint64_t> {
protected:
    DerivationModel() : random_(GetParam()) {
        add_root(0, Cap::untyped(PhysAddr{kBase}, kRootBits, false));
        add_root(1, Cap::irq_control());
    }

    void add_root(unsigned index, const Cap& cap) {
        insert_root(slots_[index], cap);
        model_.add(&slots_[index], nullptr);
    }

    Slot* find(bool empty) {
        for (unsigned tries = 0; tries < 100; ++tries) {
            Slot& slot = slots_[2 + random_.below(slots_.size() - 2)];
            if (slot.cap.is_null() == empty) return &slot;
        }
        return nullptr;
    }
    Slot* find_any() {
        Slot* const slot = find(false);
        return slot && !random_.chance(20) ? slot : &slots_[random_.below(2)];
    }

    // One of each kind that lies in untyped memory; sizes as little as the test needs.
    static Cap object(unsigned kind, Word at) {
        switch (kind) {
            case 0: return Cap::endpoint(reinterpret_cast<Endpoint*>(at), kAllRights, 0);
            case 1: return Cap::notification(reinterpret_cast<Notification*>(at), kAllRights, 0);
            case 2: return Cap::cnode(reinterpret_cast<Slot*>(at), 1, 0, 0);
            case 3: return Cap::thread(reinterpret_cast<Tcb*>(at));
            case 4: return Cap::frame(PhysAddr{at}, FrameSize::k4KiB, false, kAllRights);
            default: return {};
        }
    }

    void retype() {
        Slot* const source = find_any();
        Slot* const target = find(true);
        if (!source || !target) return;
        if (source->cap.is(CapType::kIrqControl)) {
            Word const irq = random_.below(160);
            for (auto const& [slot, parent] : model_.nodes()) {
                if (slot->cap.is(CapType::kIrqHandler) && slot->cap.irq() == irq) return;
            }
            insert_derived(*source, *target, Cap::irq_handler(irq));
            model_.add(target, source);
            return;
        }
        if (!source->cap.is(CapType::kUntyped)) return;
        if (model_.descendants(source).empty()) source->cap.set_untyped_marks(0, 0);
        unsigned const kind = static_cast<unsigned>(random_.below(6));
        unsigned const size_bits = kind < 5 ? 12 : 12 + static_cast<unsigned>(random_.below(7));
        Word const offset = align_up(source->cap.untyped_free(), size_bits);
        if (offset + bit(size_bits) > bit(source->cap.untyped_bits())) return;
        source->cap.set_untyped_marks(offset + bit(size_bits), 0);
        Word const at = raw(source->cap.untyped_base()) + offset;
        insert_original(*source, *target, kind < 5 ? object(kind, at) : Cap::untyped(PhysAddr{at}, size_bits, false));
        model_.add(target, source);
    }

    void copy(bool mint) {
        Slot* const source = find(false);
        Slot* const target = find(true);
        if (!source || !target) return;
        Cap cap = source->cap;
        if (cap.is(CapType::kUntyped) && has_children(*source)) return;
        if (mint && (cap.is(CapType::kEndpoint) || cap.is(CapType::kNotification)) && cap.data == 0)
            cap.data = 1 + random_.below(3);
        if (cap.is(CapType::kUntyped)) cap.set_untyped_marks(0, 0);
        insert_derived(*source, *target, cap);
        model_.copied(source, target);
    }

    void move() {
        Slot* const from = find(false);
        Slot* const to = find(true);
        if (!from || !to) return;
        move_cap(*from, *to, from->cap);
        model_.renamed(from, to);
    }

    void swap() {
        Slot* const a = find(false);
        Slot* const b = find(false);
        if (!a || !b || a == b) return;
        swap_caps(*a, a->cap, *b, b->cap);
        model_.swapped(a, b);
    }

    void remove() {
        Slot* const slot = find(false);
        if (!slot) return;
        remove_cap(*slot);
        model_.removed(slot);
    }

    void revoke() {
        Slot* const slot = find_any();
        if (!slot) return;
        while (has_children(*slot)) {
            Slot* const child = slot->next();
            remove_cap(*child);
            model_.removed(child);
        }
        EXPECT_TRUE(model_.descendants(slot).empty());
    }

    static std::vector<Slot*> family(Slot& slot) {
        std::vector<Slot*> result;
        for (Slot* next = slot.next(); next && is_parent_of(slot, *next); next = next->next()) result.push_back(next);
        std::sort(result.begin(), result.end());
        return result;
    }

    void compare() {
        unsigned used = 0;
        for (Slot& slot : slots_) {
            if (slot.cap.is_null()) {
                ASSERT_EQ(slot.prev, nullptr);
                ASSERT_EQ(slot.next_and_flags, 0u);
                continue;
            }
            ++used;
            ASSERT_TRUE(!slot.prev || slot.prev->next() == &slot);
            ASSERT_TRUE(!slot.next() || slot.next()->prev == &slot);
            ASSERT_EQ(family(slot), model_.descendants(&slot));
            bool const alone = std::none_of(slots_.begin(), slots_.end(), [&](const Slot& other) {
                return &other != &slot && same_object(slot.cap, other.cap);
            });
            ASSERT_EQ(is_final(slot), alone);
        }
        ASSERT_EQ(used, model_.nodes().size());
    }

    Random random_;
    std::array<Slot, 200> slots_;
    Model model_;
};

TEST_P(DerivationModel, RandomOperationsKeepTheFamilies) {
    for (unsigned step = 0; step < 1500; ++step) {
        SCOPED_TRACE(::testing::Message() << "step " << step);

        switch (random_.below(16)) {
            case 0:
            case 1:
            case 2:
            case 3: retype(); break;
            case 4:
            case 5:
            case 6: copy(false); break;
            case 7:
            case 8:
            case 9: copy(true); break;
            case 10: move(); break;
            case 11: swap(); break;
            case 12:
            case 13:
            case 14: remove(); break;
            default:
                if (random_.chance(20)) revoke();
                break;
        }
        if (step % 4 == 0) compare();
        if (HasFatalFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DerivationModel, ::testing::Range(uint64_t{1}, uint64_t{9}));

}  // namespace
}  // namespace keel
