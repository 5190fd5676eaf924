# One helper function per kind of target. Every target gets the same warnings, the same
# standard and the same place in the build tree from here, and from nowhere else.
include_guard(GLOBAL)
include(GNUInstallDirs)
include(GoogleTest)

find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(nlohmann_json REQUIRED)

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

option(MD_WERROR "treat warnings as errors" OFF)
set(MD_SANITIZE "" CACHE STRING "sanitizers to build with, e.g. address,undefined")
option(MD_PRECOMPILE "read the standard headers once, not for every file" ON)
option(MD_COVERAGE "count which regions run, children included (clang only)" OFF)

# Building the same again costs nothing where ccache is there. What it must overlook, so that it takes
# users of a precompiled header at all: ccache(1), PRECOMPILED HEADERS.
find_program(MD_CCACHE ccache)
if(MD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${MD_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros "${MD_CCACHE}")
endif()

# What the Makefile builds: our programs, the benchmarks, the tests of one tier.
add_custom_target(programs)
add_custom_target(benchmarks)
foreach(label unit kernel system peers vm lint)
  add_custom_target(tests_${label})
endforeach()

# --- what every translation unit is compiled with -------------------------------------------
add_library(md_flags INTERFACE)
target_compile_features(md_flags INTERFACE cxx_std_20)
target_compile_definitions(md_flags INTERFACE _GNU_SOURCE)
target_compile_options(md_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor>
  # gcc collects garbage all the time unless told that there is memory: a tenth of the build.
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=ggc-min-heapsize=262144>
  $<$<BOOL:${MD_WERROR}>:-Werror>)
if(MD_SANITIZE)
  target_compile_options(md_flags INTERFACE
    -fsanitize=${MD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(MD_SANITIZE MATCHES "undefined")
    # vptr opens a pipe to look at memory: in the test that has no descriptor left it cries wolf.
    target_compile_options(md_flags INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(md_flags INTERFACE -fsanitize=${MD_SANITIZE})
endif()
if(MD_COVERAGE)
  # A container's init chroots and execs: counters live in a shared mapping of the profile file
  # (%c), so what a child ran before execve is counted too.
  target_compile_options(md_flags INTERFACE
    -fprofile-instr-generate -fcoverage-mapping -mllvm -runtime-counter-relocation)
  target_link_options(md_flags INTERFACE -fprofile-instr-generate)
endif()

# fmt as a static archive: see fmt.cpp.
add_library(md_fmt STATIC "${CMAKE_CURRENT_LIST_DIR}/fmt.cpp")
target_include_directories(md_fmt PUBLIC
  $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(md_fmt PRIVATE md_flags)
set_target_properties(md_fmt PROPERTIES CXX_CLANG_TIDY "")

# Reading the standard headers is three quarters of compiling a file. That each file includes what it
# uses is held by a lint rule (standard_headers.hpp), and by the clang preset, which does without.
if(MD_PRECOMPILE)
  add_library(md_headers STATIC "${CMAKE_CURRENT_LIST_DIR}/empty.cpp")
  target_link_libraries(md_headers PRIVATE md_flags md_fmt)
  target_precompile_headers(md_headers PRIVATE
    <algorithm> <array> <chrono> <functional> <map> <memory> <optional> <set> <span> <string> <utility>
    <vector> <fmt/format.h>)
endif()
function(md_precompiled target)
  if(MD_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM md_headers)
  endif()
endfunction()

# Static programs start in a third of the time of dynamic ones; sanitizers and coverage forbid it.
set(MD_STATIC_PROGRAMS OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT MD_SANITIZE AND NOT MD_COVERAGE)
  set(MD_STATIC_PROGRAMS ON)
endif()
add_library(md_static_start OBJECT "${CMAKE_CURRENT_LIST_DIR}/static_start.c")

# md_library(NAME SOURCES file... [PUBLIC target...] [PRIVATE target...])
# A room's library; its public headers are in ./include.
function(md_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/include")
  target_link_libraries(${name} PUBLIC md_flags ${arg_PUBLIC}
                                PRIVATE md_fmt ${arg_PRIVATE})
  md_precompiled(${name})
endfunction()

# md_program(NAME SOURCES file... LINKS target... [STATIC | SELF_CONTAINED] [INSTALL dir] [DEMO])
# STATIC: linked statically in a release. SELF_CONTAINED: in every build but sanitized ones, as it
# runs where there are no libraries. INSTALL: goes to PREFIX/dir. DEMO: only the rooms below it are
# optimised; command line parsing takes 15 s to optimise, and nobody waits for a demo's, or for that of
# a program which stays.
function(md_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "STATIC;SELF_CONTAINED;DEMO" "INSTALL" "SOURCES;LINKS")
  add_executable(${name} ${arg_SOURCES})
  add_dependencies(programs ${name})
  target_link_libraries(${name} PRIVATE md_flags md_fmt ${arg_LINKS})
  if(arg_DEMO)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0>)
  else()
    md_precompiled(${name})
  endif()
  if((arg_STATIC AND MD_STATIC_PROGRAMS) OR (arg_SELF_CONTAINED AND NOT MD_SANITIZE))
    target_link_options(${name} PRIVATE -static
      -Wl,--eh-frame-hdr,--wrap=__register_frame_info,--wrap=__deregister_frame_info)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:md_static_start>)
  endif()
  if(arg_INSTALL)
    install(TARGETS ${name} RUNTIME DESTINATION ${arg_INSTALL})
  endif()
endfunction()

# What nearly every test includes, read once. JSON is not among it: gcc instantiates in each user of
# a precompiled header what that header's inline functions need, and JSON's took a test 1.2 s.
add_library(md_test_headers STATIC "${CMAKE_CURRENT_LIST_DIR}/empty.cpp")
target_link_libraries(md_test_headers PRIVATE md_flags md_fmt GTest::gmock)
target_compile_options(md_test_headers PRIVATE $<$<CONFIG:Release>:-O0>)
target_precompile_headers(md_test_headers PRIVATE
  <gmock/gmock.h> <gtest/gtest.h> <fmt/format.h>)

# md_test(NAME LABEL unit|kernel|system|peers|vm|lint SOURCES file... LINKS target...
#         [DEPENDS program...] [TIMEOUT seconds] [LOCK name])
# A GoogleTest program in build/tests; each TEST becomes one ctest named after its behaviour.
# DEPENDS: programs it runs, built before it. LOCK: of all tests with this word one runs at a time:
# `groups` is for those that make cgroups below mini-docker, where others look for what is left.
function(md_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT;LOCK" "SOURCES;LINKS;DEPENDS")
  add_executable(${name} ${arg_SOURCES})
  add_dependencies(tests_${arg_LABEL} ${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  target_link_libraries(${name} PRIVATE md_flags md_test_support md_fmt GTest::gmock
                                        ${arg_LINKS})
  target_compile_definitions(${name} PRIVATE
    MD_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MD_BINARY_DIR="${PROJECT_BINARY_DIR}")
  # What is measured are our programs, never a test: not optimising halves the build.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0>)
  target_precompile_headers(${name} REUSE_FROM md_test_headers)
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  set(properties LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT})
  if(arg_LOCK)
    list(APPEND properties RESOURCE_LOCK ${arg_LOCK})
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${arg_LABEL}." DISCOVERY_MODE PRE_TEST
                       DISCOVERY_TIMEOUT 30 PROPERTIES ${properties})
endfunction()

# md_bench(NAME SOURCES file... LINKS target...): a Google Benchmark program in build/bench.
function(md_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  add_executable(${name} ${arg_SOURCES})
  add_dependencies(benchmarks ${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
  target_link_libraries(${name} PRIVATE md_flags md_fmt benchmark::benchmark ${arg_LINKS})
endfunction()
