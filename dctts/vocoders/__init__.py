"""From frames to sound: Griffin-Lim, HiFi-GAN, and a source-filter net of our own, behind one interface."""
