#pragma once

// The rules of docs/architecture.md and of the style that a machine can hold. Each looks at one
// file; CheckFile asks them all.

#include <set>
#include <string>

#include "tests/tidy/source_file.h"

namespace fusor::tidy {

// Which way includes may point, and which library's headers a folder may see. `tree` holds every
// path of the tree, to tell a full-path include from a stray one.
Violations CheckIncludes(const SourceFile& file, const std::set<std::string>& tree);

// Lines per file and per function.
Violations CheckSizes(const SourceFile& file);

// Banned names, marks and paths, and how a file and its includes begin.
Violations CheckNames(const SourceFile& file, const std::set<std::string>& tree);

Violations CheckFile(const SourceFile& file, const std::set<std::string>& tree);

}  // namespace fusor::tidy
