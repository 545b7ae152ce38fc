// Errors of the personality: Linux's numbers (errno(3); asm-generic/errno.h of linux-libc-dev, which arm64 uses), and a
// value or an error.
//
// Every function of the layers answers with a Result; nothing has a global error. kRetry never reaches a program.
#pragma once

#include <stdint.h>

#include <optional>
#include <utility>

namespace kos::lx {

enum class Errno : int32_t {
    kOK = 0,
    kEPERM = 1,
    kENOENT = 2,
    kESRCH = 3,
    kEINTR = 4,
    kEIO = 5,
    kENXIO = 6,
    kE2BIG = 7,
    kENOEXEC = 8,
    kEBADF = 9,
    kECHILD = 10,
    kEAGAIN = 11,
    kENOMEM = 12,
    kEACCES = 13,
    kEFAULT = 14,
    kENOTBLK = 15,
    kEBUSY = 16,
    kEEXIST = 17,
    kEXDEV = 18,
    kENODEV = 19,
    kENOTDIR = 20,
    kEISDIR = 21,
    kEINVAL = 22,
    kENFILE = 23,
    kEMFILE = 24,
    kENOTTY = 25,
    kETXTBSY = 26,
    kEFBIG = 27,
    kENOSPC = 28,
    kESPIPE = 29,
    kEROFS = 30,
    kEMLINK = 31,
    kEPIPE = 32,
    kEDOM = 33,
    kERANGE = 34,
    kEDEADLK = 35,
    kENAMETOOLONG = 36,
    kENOLCK = 37,
    kENOSYS = 38,
    kENOTEMPTY = 39,
    kELOOP = 40,
    kENOMSG = 42,
    kEIDRM = 43,
    kECHRNG = 44,
    kEL2NSYNC = 45,
    kEL3HLT = 46,
    kEL3RST = 47,
    kELNRNG = 48,
    kEUNATCH = 49,
    kENOCSI = 50,
    kEL2HLT = 51,
    kEBADE = 52,
    kEBADR = 53,
    kEXFULL = 54,
    kENOANO = 55,
    kEBADRQC = 56,
    kEBADSLT = 57,
    kEBFONT = 59,
    kENOSTR = 60,
    kENODATA = 61,
    kETIME = 62,
    kENOSR = 63,
    kENONET = 64,
    kENOPKG = 65,
    kEREMOTE = 66,
    kENOLINK = 67,
    kEADV = 68,
    kESRMNT = 69,
    kECOMM = 70,
    kEPROTO = 71,
    kEMULTIHOP = 72,
    kEDOTDOT = 73,
    kEBADMSG = 74,
    kEOVERFLOW = 75,
    kENOTUNIQ = 76,
    kEBADFD = 77,
    kEREMCHG = 78,
    kELIBACC = 79,
    kELIBBAD = 80,
    kELIBSCN = 81,
    kELIBMAX = 82,
    kELIBEXEC = 83,
    kEILSEQ = 84,
    kERESTART = 85,
    kESTRPIPE = 86,
    kEUSERS = 87,
    kENOTSOCK = 88,
    kEDESTADDRREQ = 89,
    kEMSGSIZE = 90,
    kEPROTOTYPE = 91,
    kENOPROTOOPT = 92,
    kEPROTONOSUPPORT = 93,
    kESOCKTNOSUPPORT = 94,
    kEOPNOTSUPP = 95,
    kEPFNOSUPPORT = 96,
    kEAFNOSUPPORT = 97,
    kEADDRINUSE = 98,
    kEADDRNOTAVAIL = 99,
    kENETDOWN = 100,
    kENETUNREACH = 101,
    kENETRESET = 102,
    kECONNABORTED = 103,
    kECONNRESET = 104,
    kENOBUFS = 105,
    kEISCONN = 106,
    kENOTCONN = 107,
    kESHUTDOWN = 108,
    kETOOMANYREFS = 109,
    kETIMEDOUT = 110,
    kECONNREFUSED = 111,
    kEHOSTDOWN = 112,
    kEHOSTUNREACH = 113,
    kEALREADY = 114,
    kEINPROGRESS = 115,
    kESTALE = 116,
    kEUCLEAN = 117,
    kENOTNAM = 118,
    kENAVAIL = 119,
    kEISNAM = 120,
    kEREMOTEIO = 121,
    kEDQUOT = 122,
    kENOMEDIUM = 123,
    kEMEDIUMTYPE = 124,
    kECANCELED = 125,
    kENOKEY = 126,
    kEKEYEXPIRED = 127,
    kEKEYREVOKED = 128,
    kEKEYREJECTED = 129,
    kEOWNERDEAD = 130,
    kENOTRECOVERABLE = 131,
    kERFKILL = 132,
    kEHWPOISON = 133,
    // Of the personality alone: the call has arranged to be executed again (syscalls/call.h).
    kRetry = 4096,
    // Of the personality alone: interrupted by a signal; executed again if the handler has SA_RESTART, EINTR else.
    kRestart = 4097,
    // As kRestart, but EINTR whenever a handler ran; executed again only if none did (nanosleep, poll, ...).
    kRestartNoHandler = 4098,
    // Of the personality alone: the call has no result; the thread's registers say everything (rt_sigreturn, execve).
    kNoResult = 4099,
};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : value_(std::move(value)) {}
    Result(Errno error) : error_(error) {}

    bool ok() const { return error_ == Errno::kOK; }
    explicit operator bool() const { return ok(); }
    Errno error() const { return error_; }
    T& value() { return *value_; }
    const T& value() const { return *value_; }
    T& operator*() { return *value_; }
    const T& operator*() const { return *value_; }
    T* operator->() { return &*value_; }
    const T* operator->() const { return &*value_; }
    T take() { return std::move(*value_); }

private:
    std::optional<T> value_;
    Errno error_ = Errno::kOK;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Errno error) : error_(error) {}
    bool ok() const { return error_ == Errno::kOK; }
    explicit operator bool() const { return ok(); }
    Errno error() const { return error_; }

private:
    Errno error_ = Errno::kOK;
};

using Status = Result<void>;

// KOS_TRY(auto inode, find(path)); hands the error up; KOS_TRY_STATUS for Result<void>.
#define KOS_LX_JOIN2(a, b) a##b
#define KOS_LX_JOIN(a, b) KOS_LX_JOIN2(a, b)
#define KOS_TRY(declaration, expression) KOS_TRY_AS(KOS_LX_JOIN(kos_try_, __LINE__), declaration, expression)
#define KOS_TRY_AS(temporary, declaration, expression) \
    auto temporary = (expression);                     \
    if (!temporary.ok()) return temporary.error();     \
    declaration = temporary.take()
#define KOS_TRY_STATUS(expression)                                                                         \
    do {                                                                                                   \
        if (auto const kos_try_status = (expression); !kos_try_status.ok()) return kos_try_status.error(); \
    } while (0)

}  // namespace kos::lx
