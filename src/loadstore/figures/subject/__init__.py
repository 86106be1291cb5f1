"""What figures are about: a model, a prompt, a question, and the results that figures share."""
