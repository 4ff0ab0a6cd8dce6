// Whether attention takes the instructions that only Hopper has (wgmma.h). They are held against the others once, before they
// are first used: what has never run on the GPU at hand gives a line to read and the other kernels' numbers, never wrong ones.
#pragma once

namespace ilf::cuda {

bool usesHopper();
// Whether, and why, in one line. Asking for it the first time runs the check.
const char* hopperState();

} // namespace ilf::cuda
