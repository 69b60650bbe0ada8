#pragma once

// Where the parts of a fusion begin: trained experts from inputs or files, a fusion module and a
// global head from files.

#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/contract/job.h"
#include "trainer/models/parameters.h"

namespace fusor {

// Fills what the job names; the rest keeps its drawn values. `division` is that of the trial's
// images (Images::division), empty where they are not known.
Status FillInitial(const Job& job, const std::string& division, std::size_t experts,
                   ParameterSet& parameters);

}  // namespace fusor
