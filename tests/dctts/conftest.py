import torch

torch.set_num_threads(1)  # networks as small as these lose more by waiting for one another than they gain
