"""The voice model: DC-TTS networks, training, selection and speaking. Knows nothing of where data comes from."""
