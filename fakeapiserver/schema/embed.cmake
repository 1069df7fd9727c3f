# Writes a text file as a C++ string: cmake -DINPUT= -DOUTPUT= -P embed.cmake
file(READ ${INPUT} text)
# Raw strings of bounded size; adjacent ones are joined by the compiler.
string(LENGTH "${text}" size)
set(out "#include \"fakeapiserver/columns_facts.h\"\n\nnamespace k8s::fakeapiserver {\nconst std::string_view kColumnsFacts =\n")
set(at 0)
while(at LESS size)
  string(SUBSTRING "${text}" ${at} 8000 part)
  string(APPEND out "R\"facts(${part})facts\"\n")
  math(EXPR at "${at} + 8000")
endwhile()
string(APPEND out ";\n}  // namespace k8s::fakeapiserver\n")
file(WRITE ${OUTPUT} "${out}")
