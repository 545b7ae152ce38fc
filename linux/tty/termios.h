// Settings of terminals (termios(3)). Numbers: asm-generic/{termbits,termbits-common,ioctls}.h of linux-libc-dev.
#pragma once

#include <stdint.h>

namespace kos::lx {

constexpr uint32_t kIGNBRK = 1, kBRKINT = 2, kIGNPAR = 4, kPARMRK = 8, kINPCK = 0x10, kISTRIP = 0x20, kINLCR = 0x40,
                   kIGNCR = 0x80, kICRNL = 0x100, kIUCLC = 0x200, kIXON = 0x400, kIXANY = 0x800, kIXOFF = 0x1000,
                   kIMAXBEL = 0x2000, kIUTF8 = 0x4000;
constexpr uint32_t kOPOST = 1, kOLCUC = 2, kONLCR = 4, kOCRNL = 8, kONOCR = 0x10, kONLRET = 0x20, kTABDLY = 0x1800,
                   kXTABS = 0x1800;
constexpr uint32_t kB38400 = 0xf, kCBAUD = 0x100f, kCS8 = 0x30, kCREAD = 0x80, kHUPCL = 0x400, kCLOCAL = 0x800;
constexpr uint32_t kISIG = 1, kICANON = 2, kECHO = 8, kECHOE = 0x10, kECHOK = 0x20, kECHONL = 0x40, kNOFLSH = 0x80,
                   kTOSTOP = 0x100, kECHOCTL = 0x200, kECHOPRT = 0x400, kECHOKE = 0x800, kIEXTEN = 0x8000;
constexpr unsigned kVINTR = 0, kVQUIT = 1, kVERASE = 2, kVKILL = 3, kVEOF = 4, kVTIME = 5, kVMIN = 6, kVSTART = 8,
                   kVSTOP = 9, kVSUSP = 10, kVEOL = 11, kVREPRINT = 12, kVDISCARD = 13, kVWERASE = 14, kVLNEXT = 15,
                   kVEOL2 = 16, kControlCharacters = 19;
constexpr uint8_t kDisabledCharacter = 0;  // _POSIX_VDISABLE

struct Termios {  // struct termios2; the first 36 bytes are struct termios
    uint32_t input = 0, output = 0, control = 0, local = 0;
    uint8_t line = 0;
    uint8_t characters[kControlCharacters] = {};
    uint32_t input_speed = 38400, output_speed = 38400;
};
constexpr uint64_t kTermiosBytes = 36, kTermios2Bytes = 44;
static_assert(sizeof(Termios) == kTermios2Bytes);

// As Linux sets up a new terminal.
constexpr Termios default_termios() {
    Termios termios;
    termios.input = kICRNL | kIXON;
    termios.output = kOPOST | kONLCR;
    termios.control = kB38400 | kCS8 | kCREAD | kHUPCL;
    termios.local = kISIG | kICANON | kECHO | kECHOE | kECHOK | kECHOCTL | kECHOKE | kIEXTEN;
    uint8_t* const c = termios.characters;
    c[kVINTR] = 3;
    c[kVQUIT] = 034;
    c[kVERASE] = 0177;
    c[kVKILL] = 025;
    c[kVEOF] = 4;
    c[kVMIN] = 1;
    c[kVSTART] = 021;
    c[kVSTOP] = 023;
    c[kVSUSP] = 032;
    c[kVREPRINT] = 022;
    c[kVDISCARD] = 017;
    c[kVWERASE] = 027;
    c[kVLNEXT] = 026;
    return termios;
}

struct WindowSize {  // struct winsize
    uint16_t rows = 0, columns = 0, x_pixels = 0, y_pixels = 0;
    bool operator==(const WindowSize&) const = default;
};

constexpr uint32_t kTCGETS = 0x5401, kTCSETS = 0x5402, kTCSETSW = 0x5403, kTCSETSF = 0x5404, kTCGETA = 0x5405,
                   kTCSETA = 0x5406, kTCSETAW = 0x5407, kTCSETAF = 0x5408, kTCSBRK = 0x5409, kTCXONC = 0x540A,
                   kTCFLSH = 0x540B, kTIOCEXCL = 0x540C, kTIOCNXCL = 0x540D, kTIOCSCTTY = 0x540E, kTIOCGPGRP = 0x540F,
                   kTIOCSPGRP = 0x5410, kTIOCOUTQ = 0x5411, kTIOCSTI = 0x5412, kTIOCGWINSZ = 0x5413,
                   kTIOCSWINSZ = 0x5414, kTIOCMGET = 0x5415, kTIOCMSET = 0x5418, kTIOCINQ = 0x541B, kTIOCPKT = 0x5420,
                   kTIOCNOTTY = 0x5422, kTIOCSETD = 0x5423, kTIOCGETD = 0x5424, kTCSBRKP = 0x5425, kTIOCSBRK = 0x5427,
                   kTIOCCBRK = 0x5428, kTIOCGSID = 0x5429, kTCGETS2 = 0x802C542A, kTCSETS2 = 0x402C542B,
                   kTCSETSW2 = 0x402C542C, kTCSETSF2 = 0x402C542D, kTIOCGPTN = 0x80045430, kTIOCSPTLCK = 0x40045431,
                   kTIOCGDEV = 0x80045432, kTIOCSIG = 0x40045436, kTIOCVHANGUP = 0x5437, kTIOCGPKT = 0x80045438,
                   kTIOCGPTLCK = 0x80045439, kTIOCGEXCL = 0x80045440, kTIOCGPTPEER = 0x5441;

}  // namespace kos::lx
