"""What this Python's PyTorch is, as JSON."""
import importlib.metadata
import json
import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    sys.exit(str(error))


def openblas():
    """Whether products run in OpenBLAS. A build with BLAS_INFO=generic does not say; the libraries it loaded do."""
    built_with = torch.__config__.show().lower()
    if "blas_info=generic" not in built_with:
        return "blas_info=open" in built_with
    try:
        torch.ones(2, 2) @ torch.ones(2, 2)
        with open("/proc/self/maps") as maps:
            # NumPy's wheels bring one of their own.
            return any("openblas" in line and "numpy" not in line for line in maps)
    except OSError:
        return False


def transformers():
    try:
        return importlib.metadata.version("transformers")
    except importlib.metadata.PackageNotFoundError:
        return None


print(
    json.dumps(
        {
            "version": torch.__version__,
            "compiles": hasattr(torch, "compile"),
            "fused": hasattr(F, "scaled_dot_product_attention"),
            "openblas": openblas(),
            "transformers": transformers(),
            "cuda": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        }
    )
)
