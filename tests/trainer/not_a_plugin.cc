// A library under the plug-in's name that is none; or one of another age.

extern "C" int FusorCudaPlugin() { return 1; }
