#include "common/recipe/paths.h"

#include "common/recipe/suggest.h"

namespace fusor {

Status CheckAbsolute(const ParamValues& values, const std::string& name) {
  for (const std::string& path : SplitList(std::get<std::string>(values.find(name)->second))) {
    if (path.starts_with('/')) continue;
    return InvalidArgument("'" + path +
                           "' is relative; write the whole path, as the worker that runs the trial "
                           "sees it");
  }
  return Ok();
}

}  // namespace fusor
