// Linked with every object of one library (cmake/LinkTests.cmake). That it links is the test;
// running it also shows that the library's static data comes up.
int main() { return 0; }
