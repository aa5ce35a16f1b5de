import zipfile

import pandas as pd

with zipfile.ZipFile("survey.zip") as archive:
    archive.extractall("survey")
    print("files in the ZIP:", ", ".join(sorted(archive.namelist())))
responses = pd.read_csv("survey/responses.csv")
print(f"{len(responses)} responses, mean score {responses['score'].mean():.2f}")
