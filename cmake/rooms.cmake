# A room is a folder that becomes one library and one test program: every .cc is in the library,
# every *_test.cc in the test, every *_fuzz.cc a fuzz target that a test runs over its corpus. Its
# CMakeLists.txt says only what it links (the arrows).

add_library(k8s_options INTERFACE)
target_compile_options(k8s_options INTERFACE -Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # When it optimises, g++ 12 takes empty std::optionals for uninitialised memory, and string
  # concatenations for copies that overlap or have no bound; at -O3 also for copies out of bounds.
  target_compile_options(
    k8s_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
                          $<$<CONFIG:Release>:-Wno-array-bounds>)
endif()
if(K8S_SANITIZE)
  target_compile_options(k8s_options INTERFACE -fsanitize=${K8S_SANITIZE} -fno-sanitize-recover=all
                                               -fno-omit-frame-pointer)
  target_link_options(k8s_options INTERFACE -fsanitize=${K8S_SANITIZE})
endif()

# k8s_room(NAME [LINK public...] [PRIVATE private...] [TEST_LINK more...] [EXCLUDE files...])
function(k8s_room name)
  cmake_parse_arguments(ROOM "" "" "LINK;PRIVATE;TEST_LINK;EXCLUDE;SOURCES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_fuzz.cc)
  list(REMOVE_ITEM sources ${tests} ${fuzzers})
  foreach(excluded IN LISTS ROOM_EXCLUDE)
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${excluded})
  endforeach()
  if(NOT sources AND NOT ROOM_SOURCES)
    return()
  endif()
  add_library(${name} STATIC ${sources} ${ROOM_SOURCES})
  k8s_headers(${name})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/client>
                                            $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                            $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>
                                            $<INSTALL_INTERFACE:include>)
  target_link_libraries(${name} PUBLIC ${ROOM_LINK} PRIVATE ${ROOM_PRIVATE}
                                $<BUILD_INTERFACE:k8s_options>)
  if(K8S_BUILD_TESTS AND tests)
    k8s_test(${name}_test SOURCES ${tests} LINK ${name} ${ROOM_PRIVATE} ${ROOM_TEST_LINK})
  endif()
  if(K8S_BUILD_TESTS)
    foreach(fuzzer IN LISTS fuzzers)
      k8s_fuzz(${fuzzer} LINK ${name} ${ROOM_TEST_LINK})
    endforeach()
  endif()
endfunction()

# k8s_fuzz(x_fuzz.cc LINK libraries... [CORPUS folder]): the target with fuzz_main.cc around it, which
# feeds it corpus/x/, every prefix of each file and seeded mutations. Under a sanitizer that is a test.
function(k8s_fuzz file)
  cmake_parse_arguments(FUZZ "" "CORPUS" "LINK" ${ARGN})
  get_filename_component(fuzz ${file} NAME_WE)
  get_filename_component(room ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  string(REGEX REPLACE "_fuzz$" "" corpus ${fuzz})
  if(NOT TARGET k8s_fuzz_main)
    add_library(k8s_fuzz_main STATIC ${PROJECT_SOURCE_DIR}/cmake/fuzz_main.cc)
    target_link_libraries(k8s_fuzz_main PUBLIC k8s_base k8s_options)
  endif()
  add_executable(k8s_${room}_${fuzz} ${file})
  target_link_libraries(k8s_${room}_${fuzz} PRIVATE k8s_fuzz_main ${FUZZ_LINK} k8s_options)
  if(NOT FUZZ_CORPUS)
    set(FUZZ_CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${corpus})
  endif()
  add_test(NAME Fuzz.${room}.${corpus} COMMAND k8s_${room}_${fuzz} ${FUZZ_CORPUS})
  set_tests_properties(Fuzz.${room}.${corpus} PROPERTIES LABELS unit TIMEOUT 120)
endfunction()

# The room's headers are installed, and all_verify_interface_header_sets compiles each one alone.
function(k8s_headers name)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  list(FILTER headers EXCLUDE REGEX "_for_test\\.h$")
  set(base ${PROJECT_SOURCE_DIR})
  if(CMAKE_CURRENT_SOURCE_DIR MATCHES "^${PROJECT_SOURCE_DIR}/client/")
    set(base ${PROJECT_SOURCE_DIR}/client)
  endif()
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${base} FILES ${headers})
  set_property(TARGET ${name} PROPERTY VERIFY_INTERFACE_HEADER_SETS ON)
  set_property(GLOBAL APPEND PROPERTY K8S_ROOMS ${name})
endfunction()

# k8s_test(NAME SOURCES files... LINK libraries... [LABEL label]): one program, one ctest entry a test.
function(k8s_test name)
  cmake_parse_arguments(TEST "" "LABEL" "SOURCES;LINK" ${ARGN})
  if(NOT TEST_LABEL)
    set(TEST_LABEL unit)
  endif()
  if(NOT TARGET k8s_test_main)
    file(WRITE ${PROJECT_BINARY_DIR}/test_main.cc
         "#include <gmock/gmock.h>\n#include <gtest/gtest.h>\nint main(int argc, char** argv) {\n"
         "  testing::InitGoogleMock(&argc, argv);\n  return RUN_ALL_TESTS();\n}\n")
    add_library(k8s_test_main STATIC ${PROJECT_BINARY_DIR}/test_main.cc)
    target_link_libraries(k8s_test_main PUBLIC GTest::gtest GTest::gmock Threads::Threads k8s_options)
    target_compile_options(k8s_test_main PUBLIC -fpch-preprocess)
    target_precompile_headers(k8s_test_main PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINK} k8s_test_main k8s_options)
  target_precompile_headers(${name} REUSE_FROM k8s_test_main)
  target_compile_definitions(${name} PRIVATE K8S_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${TEST_LABEL} TIMEOUT 120)
endfunction()
