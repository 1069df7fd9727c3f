# Compiles SOURCE, whose mistake the compiler must name in the words of its first line, `// error:
# words`, once and on less than a screen.
file(STRINGS ${SOURCE} first LIMIT_COUNT 1)
string(REPLACE "// error: " "" words "${first}")
separate_arguments(flags UNIX_COMMAND "${FLAGS}")
execute_process(COMMAND ${COMPILER} ${flags} -fsyntax-only ${SOURCE}
                RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
string(FIND "${text}" "${words}" found)
string(REGEX MATCHALL "error:" errors "${text}")
list(LENGTH errors error_count)
string(REGEX MATCHALL "\n" lines "${text}")
list(LENGTH lines line_count)
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles")
elseif(found EQUAL -1 OR error_count GREATER 1 OR line_count GREATER 24)
  message(FATAL_ERROR "expected one error, \"${words}\", in less than 24 lines:\n${text}")
endif()
