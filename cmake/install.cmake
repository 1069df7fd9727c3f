# cmake --install: the rooms as k8s::base, k8s::machinery and so on, all of them as k8s::k8s, their
# headers, and what find_package(k8s) reads: k8s_add_api with its generator among it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY K8S_ROOMS)
add_library(k8s_all INTERFACE)
set_target_properties(k8s_all PROPERTIES EXPORT_NAME k8s)
add_library(k8s::k8s ALIAS k8s_all)
foreach(room IN LISTS rooms)
  string(REGEX REPLACE "^k8s_|_core$" "" exported ${room})
  set_target_properties(${room} PROPERTIES EXPORT_NAME ${exported})
  target_compile_features(${room} PUBLIC cxx_std_20)
  add_library(k8s::${exported} ALIAS ${room})
  get_target_property(header_sets ${room} INTERFACE_HEADER_SETS)
  list(TRANSFORM header_sets REPLACE "(.+)" "FILE_SET;\\1;DESTINATION;${CMAKE_INSTALL_INCLUDEDIR}")
  install(TARGETS ${room} EXPORT k8s ${header_sets})
  # Programs do not need what their tests do: k8s::testing is asked for by name.
  if(room MATCHES "^k8s_" AND NOT room STREQUAL k8s_testing)
    target_link_libraries(k8s_all INTERFACE ${room})
  endif()
endforeach()
install(TARGETS k8s_all k8s-gen EXPORT k8s)
install(FILES ${PROJECT_BINARY_DIR}/generated/k8s/kubernetes/clientset.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/k8s/kubernetes)
if(TARGET fakeapiserver)
  install(TARGETS fakeapiserver RUNTIME)
endif()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/k8s)
install(EXPORT k8s NAMESPACE k8s:: FILE k8sTargets.cmake DESTINATION ${package})
file(WRITE ${PROJECT_BINARY_DIR}/k8sConfig.cmake "include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(OpenSSL 3.0)
find_dependency(ZLIB)
find_dependency(yaml-cpp)
find_package(GTest QUIET)
include(\${CMAKE_CURRENT_LIST_DIR}/k8sTargets.cmake)
include(\${CMAKE_CURRENT_LIST_DIR}/add_api.cmake)
")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/k8sConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/k8sConfig.cmake ${PROJECT_BINARY_DIR}/k8sConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/add_api.cmake DESTINATION ${package})
# The facts that those of a user's API may refer to.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/client/schema/ DESTINATION ${package}/schema
        FILES_MATCHING PATTERN "*.facts" PATTERN "gen" EXCLUDE)
