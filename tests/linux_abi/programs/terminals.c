// Pseudo terminals: pairs, line editing, modes, job control.
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

static int master, slave;

static void open_pair(void) {
    master = (int)OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
    int number = -1, unlocked = 0;
    OK(ioctl(master, TIOCSPTLCK, &unlocked));
    OK(ioctl(master, TIOCGPTN, &number));
    char path[30];
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    slave = (int)OK(open(path, O_RDWR | O_NOCTTY));
}

static void expect(int fd, const char* text) {
    char got[200] = "";
    size_t at = 0;
    const size_t wanted = strlen(text);
    while (at < wanted) {
        struct pollfd wait = {fd, POLLIN, 0};
        if (poll(&wait, 1, 3000) != 1) FAIL("'%s' came, expected '%s'", got, text);
        at += (size_t)OK(read(fd, got + at, sizeof got - 1 - at));
    }
    if (strcmp(got, text) != 0) FAIL("'%s' came, expected '%s'", got, text);
}

static void modes(tcflag_t clear, tcflag_t set) {
    struct termios t;
    OK(tcgetattr(slave, &t));
    t.c_lflag = (t.c_lflag & ~clear) | set;
    OK(tcsetattr(slave, TCSANOW, &t));
}

CASE(defaults) {
    open_pair();
    struct termios t;
    OK(tcgetattr(slave, &t));
    CHECK((t.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) == (ICANON | ECHO | ISIG | IEXTEN));
    CHECK((t.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR));
    CHECK(t.c_iflag & ICRNL);
    EQ(t.c_cc[VINTR], 3);
    EQ(t.c_cc[VEOF], 4);
    EQ(t.c_cc[VERASE], 127);
    EQ(isatty(slave), 1);
    int ends[2];
    OK(pipe(ends));
    ERR(tcgetattr(ends[0], &t), ENOTTY);
}

// What openpty(3) opens has the name that ttyname(3) looks for.
CASE(peer_has_its_name) {
    open_pair();
    const int peer = (int)OK(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    char own[40] = "", name[40] = "", link[40];
    EQ(ttyname_r(slave, own, sizeof own), 0);
    EQ(ttyname_r(peer, name, sizeof name), 0);
    CHECK(strncmp(own, "/dev/pts/", 9) == 0 && strcmp(own, name) == 0);
    snprintf(link, sizeof link, "/proc/self/fd/%d", peer);
    memset(name, 0, sizeof name);
    OK(readlink(link, name, sizeof name - 1));
    EQ(strcmp(own, name), 0);
    struct stat of_peer, of_slave;
    OK(fstat(peer, &of_peer));
    OK(fstat(slave, &of_slave));
    CHECK(of_peer.st_ino == of_slave.st_ino && of_peer.st_dev == of_slave.st_dev);
    EQ(fcntl(peer, F_GETFD), FD_CLOEXEC);
    const int again = (int)OK(open(link, O_RDWR | O_NOCTTY));
    OK(write(again, "x", 1));
    expect(master, "x");
}

CASE(lines_and_echo) {
    open_pair();
    OK(write(master, "helo\x7flo\r", 8));
    expect(slave, "hello\n");
    expect(master, "helo\b \blo\r\n");
    OK(write(slave, "out\n", 4));
    expect(master, "out\r\n");
    int waiting = -1;
    OK(write(master, "half", 4));
    OK(ioctl(slave, FIONREAD, &waiting));
    EQ(waiting, 0);
}

CASE(end_of_file_key) {
    open_pair();
    modes(ECHO, 0);
    OK(write(master, "ab\x04", 3));
    char text[10];
    EQ(read(slave, text, 10), 2);
    OK(write(master, "\x04", 1));
    EQ(read(slave, text, 10), 0);
}

CASE(kill_and_word_erase) {
    open_pair();
    modes(ECHO, 0);
    OK(write(master, "wrong\x15one two\x17three\r", 20));
    expect(slave, "one three\n");
}

CASE(raw) {
    open_pair();
    struct termios t;
    OK(tcgetattr(slave, &t));
    cfmakeraw(&t);
    t.c_cc[VMIN] = 1;
    OK(tcsetattr(slave, TCSAFLUSH, &t));
    OK(write(master, "a\x03\r\x7f", 4));
    expect(slave, "a\x03\r\x7f");
    OK(write(slave, "x\n", 2));
    expect(master, "x\n");
    t.c_cc[VMIN] = 0;
    OK(tcsetattr(slave, TCSANOW, &t));
    char byte;
    EQ(read(slave, &byte, 1), 0);
    t.c_cc[VTIME] = 1;
    OK(tcsetattr(slave, TCSANOW, &t));
    EQ(read(slave, &byte, 1), 0);
    OK(fcntl(slave, F_SETFL, O_NONBLOCK));
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    OK(tcsetattr(slave, TCSANOW, &t));
    ERR(read(slave, &byte, 1), EAGAIN);
}

CASE(window_size) {
    open_pair();
    struct winsize size = {24, 80, 0, 0}, got;
    OK(ioctl(master, TIOCSWINSZ, &size));
    OK(ioctl(slave, TIOCGWINSZ, &got));
    EQ(got.ws_row, 24);
    EQ(got.ws_col, 80);
}

CASE(hang_up) {
    open_pair();
    char byte;
    OK(close(master));
    EQ(read(slave, &byte, 1), 0);
    ERR(write(slave, "x", 1), EIO);
    open_pair();
    OK(close(slave));
    ERR(read(master, &byte, 1), EIO);
}

static volatile int caught;
static void note(int number) { caught = number; }

// Calls a function in the leader of a new session with the pair as its terminal.
static void in_session(void (*function)(void)) {
    open_pair();
    const pid_t child = must_fork();
    if (child == 0) {
        OK(setsid());
        OK(ioctl(slave, TIOCSCTTY, 0));
        function();
        _exit(0);
    }
    must_exit(child, 0);
}

static void interrupt_key(void) {
    signal(SIGINT, note);
    signal(SIGQUIT, note);
    EQ(tcgetpgrp(slave), getpid());
    EQ(tcgetsid(slave), getpid());
    OK(write(master, "\x03", 1));
    for (int i = 0; i < 1000 && caught != SIGINT; ++i) sleep_ms(1);
    EQ(caught, SIGINT);
    OK(write(master, "\x1c", 1));
    for (int i = 0; i < 1000 && caught != SIGQUIT; ++i) sleep_ms(1);
    EQ(caught, SIGQUIT);
    const int tty = (int)OK(open("/dev/tty", O_RDWR));
    EQ(tcgetpgrp(tty), getpid());
}
CASE(keys_make_signals) { in_session(interrupt_key); }

static void background(void) {
    const pid_t child = must_fork();
    if (child == 0) {
        OK(setpgid(0, 0));
        char byte;
        if (read(slave, &byte, 1) < 0) _exit(1);
        _exit(byte);
    }
    int status;
    EQ(waitpid(child, &status, WUNTRACED), child);
    CHECK(WIFSTOPPED(status));
    EQ(WSTOPSIG(status), SIGTTIN);
    OK(tcsetpgrp(slave, child));
    EQ(tcgetpgrp(slave), child);
    OK(kill(child, SIGCONT));
    OK(write(master, "Q\r", 2));
    EQ(waitpid(child, &status, 0), child);
    EQ(WEXITSTATUS(status), 'Q');
    // Now in the background: taking the terminal back needs SIGTTOU ignored.
    signal(SIGTTOU, SIG_IGN);
    OK(tcsetpgrp(slave, getpid()));
    ERR(tcsetpgrp(slave, 1 << 28), ESRCH);
}
CASE(background_read_stops) { in_session(background); }

static void background_write(void) {
    modes(0, TOSTOP);
    const pid_t child = must_fork();
    if (child == 0) {
        OK(setpgid(0, 0));
        if (write(slave, "x", 1) < 0) _exit(1);
        _exit(0);
    }
    int status;
    EQ(waitpid(child, &status, WUNTRACED), child);
    CHECK(WIFSTOPPED(status));
    EQ(WSTOPSIG(status), SIGTTOU);
    OK(kill(child, SIGKILL));
    must_die(child, SIGKILL);
}
CASE(background_write_stops) { in_session(background_write); }

static void ignored_ttin(void) {
    const pid_t child = must_fork();
    if (child == 0) {
        OK(setpgid(0, 0));
        signal(SIGTTIN, SIG_IGN);
        char byte;
        ERR(read(slave, &byte, 1), EIO);
        _exit(0);
    }
    must_exit(child, 0);
}
CASE(background_read_ignored) { in_session(ignored_ttin); }

static void window_changes(void) {
    signal(SIGWINCH, note);
    struct winsize size = {30, 100, 0, 0};
    OK(ioctl(master, TIOCSWINSZ, &size));
    for (int i = 0; i < 1000 && caught != SIGWINCH; ++i) sleep_ms(1);
    EQ(caught, SIGWINCH);
}
CASE(window_change_signal) { in_session(window_changes); }

CASE(leader_gets_a_hang_up) {
    open_pair();
    int ends[2];
    OK(pipe(ends));
    const pid_t child = must_fork();
    if (child == 0) {
        close(master);
        OK(setsid());
        OK(ioctl(slave, TIOCSCTTY, 0));
        OK(write(ends[1], "r", 1));
        for (;;) pause();
    }
    char byte;
    EQ(read(ends[0], &byte, 1), 1);
    OK(close(master));
    must_die(child, SIGHUP);
}
