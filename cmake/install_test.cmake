# Installs the build in BUILD under a temporary prefix, then configures, builds and runs the programs
# in SOURCE, which know nothing but that prefix.
set(place ${BUILD}/install_test)
file(REMOVE_RECURSE ${place})
foreach(step
    "--install;${BUILD};--prefix;${place}/prefix"
    "-S;${SOURCE};-B;${place}/build;-G;Ninja;-DCMAKE_PREFIX_PATH=${place}/prefix;-DCMAKE_CXX_COMPILER=${COMPILER}"
    "--build;${place}/build")
  execute_process(COMMAND ${CMAKE_COMMAND} ${step} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
# Nothing listens there: the program must say so in one line and end with 1.
execute_process(COMMAND ${place}/build/list_deployments --kubeconfig ${place}/absent
                RESULT_VARIABLE result ERROR_VARIABLE message)
if(NOT result EQUAL 1 OR NOT message MATCHES "absent")
  message(FATAL_ERROR "list_deployments ended with ${result} and said: ${message}")
endif()
execute_process(COMMAND ${place}/build/print_crontab OUTPUT_VARIABLE crontab
                COMMAND_ERROR_IS_FATAL ANY)
if(NOT crontab MATCHES "\"kind\":\"CronTab\".*\"cronSpec\":\"0 3 \\* \\* \\*\"")
  message(FATAL_ERROR "print_crontab said: ${crontab}")
endif()
file(REMOVE_RECURSE ${place})
