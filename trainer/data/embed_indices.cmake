# Makes the C++ source of a function that gives the indices in an .npy file (int64, little-endian,
# one dimension):
#
#   cmake -DNPY=FILE -DHEADER=trainer/data/x.h -DFUNCTION=Name -DOUT=FILE.cc -P embed_indices.cmake
#
# The file's header takes 128 bytes, as NumPy writes it for such an array.
file(READ "${NPY}" hex HEX OFFSET 128)
string(REGEX REPLACE "(..)(..)(..)(..)00000000" "0x\\4\\3\\2\\1," table "${hex}")
string(REGEX REPLACE "(0x[0-9a-f]+,0x[0-9a-f]+,0x[0-9a-f]+,0x[0-9a-f]+,0x[0-9a-f]+,0x[0-9a-f]+,0x[0-9a-f]+,0x[0-9a-f]+,)" "\\1\n" table "${table}")
file(WRITE "${OUT}" "#include \"${HEADER}\"

namespace fusor {
namespace {

constexpr std::uint32_t kIndices[] = {
${table}
};

}  // namespace

std::span<const std::uint32_t> ${FUNCTION}() { return kIndices; }

}  // namespace fusor
")
