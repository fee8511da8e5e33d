// SPDX-License-Identifier: Apache-2.0
#include "core/data/itk_setup.hpp"

#include <itkMetaImageIO.h>

#include <cstdlib>
#include <mutex>

namespace hilum::data {

void prepare_itk() {
  static std::once_flag once;
  std::call_once(once, [] {
    unsetenv("ITK_AUTOLOAD_PATH");
    itk::Object::SetGlobalWarningDisplay(false);
    itk::MetaImageIO::New();  // its list of factories is made here, before there are threads
  });
}

}  // namespace hilum::data
