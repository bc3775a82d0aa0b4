// variants: cxx-pie
//
// A C++ program prints through iostream: libstdc++'s static constructors, locales and destructors run.
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char **argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    std::cout << "Hello, world, from C++! " << arguments.size() << " arguments\n";
    for (const auto &argument : arguments)
        std::cout << argument << std::endl;
    return 0;
}
