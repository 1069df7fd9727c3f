# k8s_add_api(TARGET x_v1.facts...): a library with the types and tables of an API of one's own, from
# facts files (client/schema/GRAMMAR.md) whose types may be those of the library. A file of package
# stablev1 becomes "k8s/api/stablev1.h". Inside the library's tree and after find_package(k8s) alike.

# The package= of a facts file.
function(k8s_package_of facts result)
  file(STRINGS ${facts} group_line REGEX "^group " LIMIT_COUNT 1)
  if(NOT group_line MATCHES " package=([A-Za-z0-9_]+)")
    message(FATAL_ERROR "${facts}: its group line needs a package=")
  endif()
  set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

function(k8s_add_api target)
  set(schema ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/schema)  # where it is installed
  if(NOT EXISTS ${schema})
    set(schema ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../client/schema)
  endif()
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${target}_generated)
  set(headers)
  set(outputs)
  set(paths)
  foreach(facts IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH facts)
    list(APPEND paths ${facts})
    k8s_package_of(${facts} package)
    list(APPEND headers ${generated}/k8s/api/${package}.h)
    list(APPEND outputs ${generated}/k8s/api/${package}.h ${generated}/k8s/api/${package}.cc)
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${paths})
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND k8s::k8s-gen --out ${generated} --library ${schema} ${paths}
    COMMAND ${CMAKE_COMMAND} -E touch ${outputs}
    DEPENDS k8s::k8s-gen ${paths} COMMENT "Generating the API ${target}" VERBATIM)
  add_library(${target} STATIC ${outputs})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${generated} FILES ${headers})
  target_link_libraries(${target} PUBLIC k8s::api)
endfunction()
