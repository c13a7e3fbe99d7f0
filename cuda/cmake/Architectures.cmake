# Compute capabilities to compile for, by what this toolkit knows: EDGEPRUNE_ARCHITECTURES, unless
# it is set. CMAKE_CUDA_ARCHITECTURES came with CMake 3.18 only, and JetPack 5 has 3.16.
if(NOT EDGEPRUNE_ARCHITECTURES)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
    if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
      set(EDGEPRUNE_ARCHITECTURES 72 87)     # JetPack 5: Xavier, Orin
    elseif(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 13)
      set(EDGEPRUNE_ARCHITECTURES 87)        # JetPack 6: Orin
    else()
      set(EDGEPRUNE_ARCHITECTURES 87 110)    # JetPack 7: Orin, Thor
    endif()
  else()
    set(EDGEPRUNE_ARCHITECTURES 80 86)
    if(NOT CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 11.8)
      list(APPEND EDGEPRUNE_ARCHITECTURES 89)
    endif()
  endif()
endif()

set(EDGEPRUNE_GENCODE)
foreach(architecture ${EDGEPRUNE_ARCHITECTURES})
  list(APPEND EDGEPRUNE_GENCODE
       "-gencode=arch=compute_${architecture},code=sm_${architecture}")
endforeach()
# Devices newer than the last one compile its PTX when the library is loaded.
list(GET EDGEPRUNE_ARCHITECTURES -1 newest)
list(APPEND EDGEPRUNE_GENCODE "-gencode=arch=compute_${newest},code=compute_${newest}")
