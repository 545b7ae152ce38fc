# The board that this build is for: a folder below boards/ with board.h (see boards/README.md).
#
# Code that needs its constants links kos_board and includes "board.h"; linker scripts and assembly take the folder from
# KOS_BOARD_DIR.
set(KOS_BOARD "qemu_virt" CACHE STRING "Folder below boards/ that this build is for")
set(KOS_BOARD_DIR "${CMAKE_SOURCE_DIR}/boards/${KOS_BOARD}")
if(NOT EXISTS "${KOS_BOARD_DIR}/board.h")
    message(FATAL_ERROR "no board '${KOS_BOARD}': ${KOS_BOARD_DIR}/board.h does not exist")
endif()
add_library(kos_board INTERFACE)
target_include_directories(kos_board INTERFACE "${KOS_BOARD_DIR}")
