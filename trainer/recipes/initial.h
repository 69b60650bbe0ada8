#pragma once

// Where the parts of a fusion begin: trained experts from inputs or files, a fusion module and a
// global head from files.

#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/contract/job.h"
#include "trainer/models/parameters.h"

namespace fusor {

// Fills what the job names; the rest keeps its drawn values.
Status FillInitial(const Job& job, std::size_t experts, ParameterSet& parameters);

}  // namespace fusor
