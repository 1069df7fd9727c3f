# Tests of what a person calls: kubectl against the fake, an installed library, the scripts.
if(TARGET fakeapiserver)
  add_test(NAME kubectl_smoke
           COMMAND ${PROJECT_SOURCE_DIR}/scripts/kubectl_smoke $<TARGET_FILE:fakeapiserver>)
  add_test(NAME kubectl_smoke_over_http2
           COMMAND ${PROJECT_SOURCE_DIR}/scripts/kubectl_smoke $<TARGET_FILE:fakeapiserver> --tls)
  set_tests_properties(kubectl_smoke kubectl_smoke_over_http2
                       PROPERTIES LABELS kubectl TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()

if(TARGET k8s_kubernetes AND TARGET k8s_clientcmd)
  add_test(NAME installed_library_is_found_and_used
           COMMAND ${CMAKE_COMMAND} -D BUILD=${PROJECT_BINARY_DIR}
                   -D SOURCE=${PROJECT_SOURCE_DIR}/client/examples/outside
                   -D COMPILER=${CMAKE_CXX_COMPILER} -P ${CMAKE_CURRENT_LIST_DIR}/install_test.cmake)
  set_tests_properties(installed_library_is_found_and_used PROPERTIES LABELS install TIMEOUT 300)
endif()

if(TARGET fakeapiserver AND TARGET list_deployments)
  # The list that the README promises, to the line.
  add_test(NAME run_lists_the_shop COMMAND ${PROJECT_SOURCE_DIR}/scripts/run --once
           --programs ${PROJECT_BINARY_DIR})
  set_tests_properties(run_lists_the_shop PROPERTIES LABELS examples TIMEOUT 60
    PASS_REGULAR_EXPRESSION "1 -> details-v1\n2 -> el-gitlab-listener\n3 -> nginx\n4 -> productpage-v1\n5 -> ratings-v1\n6 -> reviews-v1\n7 -> reviews-v2\n8 -> reviews-v3\n")
  add_test(NAME examples_do_what_they_say COMMAND ${PROJECT_SOURCE_DIR}/client/examples/run_all
           $<TARGET_FILE:fakeapiserver> ${PROJECT_BINARY_DIR}/client/examples)
  set_tests_properties(examples_do_what_they_say PROPERTIES LABELS examples TIMEOUT 60)
endif()
