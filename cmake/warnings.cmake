# The one place for warning flags. hilum_warnings is linked PRIVATE by every target of ours.
add_library(hilum_warnings INTERFACE)
target_compile_options(hilum_warnings INTERFACE -Wall -Wextra -Wpedantic
  -Wno-missing-field-initializers  # designated initialisers leave the rest at their defaults
  -Werror=invalid-pch)
