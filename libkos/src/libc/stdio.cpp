// Output of stdio.h: stdout and stderr collect a line each and hand it to the log when it is complete, full, or
// flushed.
//
// stdout is written at level INFO, stderr at WARNING. There is no input, no fopen, no seeking: programs that use them
// do not link. Functions are thread-safe; a line that several threads write together is mixed by whole calls.
#include "libc_locks.h"

#include <kos/log.h>
#include <kos/sync.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <initializer_list>

namespace {

// What a FILE* of a native program points to. There are two, and nothing opens more.
struct Output {
    FILE handle;  // first: the address is the same
    kos_mutex_t lock;
    kos_log_level level;
    bool failed;     // ferror()
    bool no_buffer;  // setvbuf(_IONBF): each write becomes a line of its own
    size_t used;
    char line[240];  // as much as one entry of the log holds
};

Output standard_output{{}, KOS_MUTEX_INIT, KOS_LOG_INFO, false, false, 0, {}};
Output standard_error{{}, KOS_MUTEX_INIT, KOS_LOG_WARNING, false, false, 0, {}};

Output* output_of(FILE* file) { return reinterpret_cast<Output*>(file); }

constexpr size_t kFormatBytes = 256;  // of the stack; longer results are formatted twice, into the heap

class LockedFile {
public:
    explicit LockedFile(FILE* file) : file_(output_of(file)) { kos_mutex_lock(&file_->lock); }
    ~LockedFile() { kos_mutex_unlock(&file_->lock); }
    LockedFile(const LockedFile&) = delete;
    LockedFile& operator=(const LockedFile&) = delete;

    bool flush() {
        if (file_->used == 0) return true;
        kos_status_t const status = kos_log(file_->level, "%.*s", static_cast<int>(file_->used), file_->line);
        file_->used = 0;
        if (kos_status_is_ok(status)) return true;
        file_->failed = true;
        errno = status == KOS_STATUS_FULL ? EAGAIN : EIO;
        return false;
    }

    bool put(const char* bytes, size_t count) {
        bool is_good = true;
        for (size_t i = 0; i < count; ++i) {
            if (bytes[i] == '\n') {
                is_good &= file_->used == 0 ? blank_line() : flush();
                continue;
            }
            file_->line[file_->used++] = bytes[i];
            if (file_->used == sizeof file_->line) is_good &= flush();
        }
        if (file_->no_buffer) is_good &= flush();
        return is_good;
    }

private:
    bool blank_line() {
        file_->line[file_->used++] = ' ';
        return flush();
    }

    Output* file_;
};

bool put(FILE* file, const char* bytes, size_t count) { return LockedFile(file).put(bytes, count); }

int put_formatted(FILE* file, const char* format, va_list arguments) {
    char small[kFormatBytes];
    va_list again;
    va_copy(again, arguments);
    int const length = vsnprintf(small, sizeof small, format, arguments);
    int result = length;
    if (length < 0) {
        result = -1;
    } else if (static_cast<size_t>(length) < sizeof small) {
        if (!put(file, small, static_cast<size_t>(length))) result = -1;
    } else {
        size_t const bytes = static_cast<size_t>(length) + 1;
        auto* const large = static_cast<char*>(malloc(bytes));
        if (!large || vsnprintf(large, bytes, format, again) != length ||
            !put(file, large, static_cast<size_t>(length))) {
            result = -1;
        }
        free(large);
    }
    va_end(again);
    return result;
}

}  // namespace

namespace kos::libc {

void flush_all() {
    LockedFile(&standard_output.handle).flush();
    LockedFile(&standard_error.handle).flush();
}

bool is_inside(unsigned number) {
    for (const kos_mutex_t* lock : {&heap_lock, &standard_output.lock, &standard_error.lock}) {
        if (kos_mutex_holder(lock) == static_cast<int>(number)) return true;
    }
    return false;
}

// In the order in which a thread may hold several of them: a line first, the heap inside.
void lock_all() {
    kos_mutex_lock(&standard_output.lock);
    kos_mutex_lock(&standard_error.lock);
    kos_mutex_lock(&heap_lock);
}

void unlock_all() {
    kos_mutex_unlock(&heap_lock);
    kos_mutex_unlock(&standard_error.lock);
    kos_mutex_unlock(&standard_output.lock);
}

}  // namespace kos::libc

#undef stdout
#undef stderr
#undef putc
#undef putchar

extern "C" {

extern FILE* const stdout = &standard_output.handle;
extern FILE* const stderr = &standard_error.handle;

int fflush(FILE* file) {
    if (file) return LockedFile(file).flush() ? 0 : EOF;
    bool const is_good = LockedFile(&standard_output.handle).flush();
    return LockedFile(&standard_error.handle).flush() && is_good ? 0 : EOF;
}

int vfprintf(FILE* __restrict file, const char* __restrict format, va_list arguments) {
    return put_formatted(file, format, arguments);
}

int vprintf(const char* __restrict format, va_list arguments) {
    return put_formatted(&standard_output.handle, format, arguments);
}

int fprintf(FILE* __restrict file, const char* __restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int const result = put_formatted(file, format, arguments);
    va_end(arguments);
    return result;
}

int printf(const char* __restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int const result = put_formatted(&standard_output.handle, format, arguments);
    va_end(arguments);
    return result;
}

size_t fwrite(const void* __restrict bytes, size_t each, size_t count, FILE* __restrict file) {
    size_t total = 0;
    if (__builtin_mul_overflow(each, count, &total) || total == 0) return 0;
    return put(file, static_cast<const char*>(bytes), total) ? count : 0;
}

int fputs(const char* __restrict text, FILE* __restrict file) { return put(file, text, strlen(text)) ? 0 : EOF; }

int puts(const char* text) {
    LockedFile file(&standard_output.handle);
    bool const is_good = file.put(text, strlen(text));
    return file.put("\n", 1) && is_good ? 0 : EOF;
}

int fputc(int character, FILE* file) {
    char const byte = static_cast<char>(character);
    return put(file, &byte, 1) ? static_cast<unsigned char>(byte) : EOF;
}
int putc(int character, FILE* file) { return fputc(character, file); }
int putchar(int character) { return fputc(character, &standard_output.handle); }

int ferror(FILE* file) { return output_of(file)->failed; }
void clearerr(FILE* file) { output_of(file)->failed = false; }
int feof(FILE*) { return 0; }

// The line is the buffer; only whether there is one can be chosen.
int setvbuf(FILE* __restrict file, char* __restrict, int mode, size_t) {
    LockedFile const locked(file);
    output_of(file)->no_buffer = mode == _IONBF;
    return 0;
}
void setbuf(FILE* __restrict file, char* __restrict buffer) { setvbuf(file, nullptr, buffer ? _IOLBF : _IONBF, 0); }

void perror(const char* text) {
    const char* const why = strerror(errno);
    if (text && *text) {
        fprintf(&standard_error.handle, "%s: %s\n", text, why);
    } else {
        fprintf(&standard_error.handle, "%s\n", why);
    }
}

}  // extern "C"
